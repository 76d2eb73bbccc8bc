// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/disk_view.h"

#include "indexer/core/units.h"

#include <algorithm>

namespace weft::fetcher::layout {
namespace {

constexpr std::uint64_t longest_read = 64 * 1024;

}  // namespace

std::optional<std::vector<std::byte>> DiskView::read(std::uint64_t offset, std::uint64_t length) {
  if (length > longest_read || offset > size_ || length > size_ - offset) return std::nullopt;
  if (reads_ >= limits_.reads) return std::nullopt;
  ++reads_;
  std::vector<std::byte> bytes(length);
  if (!source_.read(offset, bytes)) return std::nullopt;
  return bytes;
}

void DiskView::found(Need need, std::uint64_t offset, std::uint64_t length) {
  if (offset >= size_ || length == 0 || full()) return;
  const std::uint64_t end = std::min(size_, plus(offset, length));
  const BlockIndex first(offset / block_size);
  const BlockIndex last((end - 1) / block_size);
  for (BlockRange part : known_.gaps(BlockRange::between(first, last + BlockCount(1)))) {
    part.count = std::min(part.count, limits_.blocks - findings_.total);
    if (part.empty()) return;
    known_.add(part);
    findings_.blocks[static_cast<std::size_t>(need)].push_back(part);
    findings_.total += part.count;
  }
}

}  // namespace weft::fetcher::layout
