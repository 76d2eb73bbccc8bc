// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/layout.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace {

using weft::fetcher::layout::ByteSource;

/// Pieces of a disk of 4 MiB: each a sector's number (two bytes, little-endian), how many sectors
/// (one byte), and their bytes; the rest is zero. What lies in the last quarter is never here.
class Pieces final : public ByteSource {
 public:
  static constexpr std::uint64_t size = 4U << 20;

  explicit Pieces(std::span<const std::byte> data) : data_(data) {}

  bool read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset > size || out.size() > size - offset) std::abort();
    if (offset + out.size() > size / 4 * 3) return false;
    std::ranges::fill(out, std::byte{0});
    std::span<const std::byte> rest = data_;
    while (rest.size() > 3) {
      const std::uint64_t at = 512 * (std::to_integer<std::uint64_t>(rest[0]) |
                                      std::to_integer<std::uint64_t>(rest[1]) << 8U);
      const std::size_t length =
          std::min<std::size_t>(512 * std::to_integer<std::size_t>(rest[2]), rest.size() - 3);
      copy(rest.subspan(3, length), at, offset, out);
      rest = rest.subspan(3 + length);
    }
    return true;
  }

 private:
  static void copy(std::span<const std::byte> piece, std::uint64_t at, std::uint64_t offset,
                   std::span<std::byte> out) {
    const std::uint64_t first = std::max(at, offset);
    const std::uint64_t end = std::min(at + piece.size(), offset + out.size());
    if (first < end) std::memcpy(&out[first - offset], &piece[first - at], end - first);
  }
  std::span<const std::byte> data_;
};

}  // namespace

// Whatever is on the disk, the search ends, within the disk and the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fetcher::layout;
  Pieces pieces(std::as_bytes(std::span(data, size)));
  const LayoutLimits limits{.blocks = weft::BlockCount(512), .reads = 256, .depth = 4};
  const Findings found = explore(pieces, Pieces::size, limits);
  weft::BlockCount total;
  for (const auto& list : found.blocks) {
    for (const weft::BlockRange& range : list) {
      if (range.empty() || range.end().value() > Pieces::size / weft::block_size) std::abort();
      total += range.count;
    }
  }
  if (total != found.total || total > limits.blocks) std::abort();
  return 0;
}
