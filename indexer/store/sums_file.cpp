// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/sums_file.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace weft {

void SumsFile::load(BlockIndex first, std::span<std::uint64_t> out) {
  const auto raw = std::as_writable_bytes(out);
  const auto got = file_->read_at(ByteOffset(first.value() * sizeof(std::uint64_t)), raw);
  const std::size_t whole = got.value_or(0) / sizeof(std::uint64_t);
  std::ranges::fill(out.subspan(whole), 0);
  if constexpr (std::endian::native == std::endian::big) {
    for (auto& sum : out)
      sum = std::byteswap(sum);
  }
}

Result<void> SumsFile::store(BlockIndex first, std::span<const std::uint64_t> sums) {
  const ByteOffset at(first.value() * sizeof(std::uint64_t));
  if constexpr (std::endian::native == std::endian::big) {
    std::vector<std::uint64_t> swapped(sums.begin(), sums.end());
    for (auto& sum : swapped)
      sum = std::byteswap(sum);
    return file_->write_at(at, std::as_bytes(std::span(swapped)));
  }
  return file_->write_at(at, std::as_bytes(sums));
}

Result<void> SumsFile::forget(BlockRange blocks) {
  return file_->punch({ByteOffset(blocks.first.value() * sizeof(std::uint64_t)),
                       ByteCount(blocks.count.value() * sizeof(std::uint64_t))});
}

}  // namespace weft
