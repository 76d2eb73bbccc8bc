// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/protocol.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

/// Whatever is accepted is within the limits, and is encoded to what was read, except for error
/// codes, which are normalised.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace s = weft::fs::supervision;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto packet = s::decode(bytes);
  if (!packet) return 0;
  const std::vector<std::byte> again = s::encode(*packet);
  if (std::holds_alternative<s::FailedReply>(packet->message) ||
      std::holds_alternative<s::RefuseCall>(packet->message)) {
    if (!s::decode(again)) std::abort();
  } else if (!std::ranges::equal(again, bytes)) {
    std::abort();
  }
  return 0;
}
