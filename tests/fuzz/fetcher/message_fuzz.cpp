// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/codec.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

// The first byte is the type, the rest its payload. A message has exactly one encoding: what can be
// decoded must encode to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = weft::fetcher::wire;
  if (size < 1) return 0;
  const auto payload = std::as_bytes(std::span(data, size)).subspan(1);
  const wire::MessageType type{data[0]};
  const auto message = wire::decode(payload, type);
  if (!message) return 0;
  if (!wire::check(*message) || wire::type_of(*message) != type) std::abort();
  const auto frame = wire::encode(*message, 1, wire::Priority::demand);
  const auto again = std::span(frame).subspan(
      wire::header_size, frame.size() - wire::header_size - wire::trailer_size);
  if (!std::ranges::equal(again, payload)) std::abort();
  return 0;
}
