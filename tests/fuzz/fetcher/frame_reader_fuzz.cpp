// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/frame_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

// The first byte chooses the size of the pieces in which the rest is fed. What comes out must not
// depend on it.
namespace {

namespace wire = weft::fetcher::wire;

struct Outcome {
  std::vector<wire::FrameHeader> headers;
  std::size_t payload = 0;
  bool broken = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome feed(std::span<const std::byte> bytes, std::size_t piece) {
  Outcome outcome;
  wire::FrameReader reader;
  while (!bytes.empty() && !outcome.broken) {
    auto input = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(input.size());
    while (!input.empty() && !outcome.broken) {
      const auto frame = reader.next(input);
      outcome.broken = !frame;
      if (!frame || !*frame) continue;
      outcome.headers.push_back((*frame)->header);
      outcome.payload += (*frame)->payload.size();
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  if (feed(bytes, std::size_t{data[0]} + 1) != feed(bytes, size)) std::abort();
  return 0;
}
