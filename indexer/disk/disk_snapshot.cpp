// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_snapshot.h"

#include <utility>
#include <vector>

namespace weft {
namespace {

BlockCount regions_of(BlockCount blocks) {
  return BlockCount((blocks.value() + DiskMap::region_blocks - 1) / DiskMap::region_blocks);
}

}  // namespace

DiskSnapshot::DiskSnapshot(const DiskMap& map, Sink sink)
    : map_(map.blocks()), sink_(std::move(sink)), kept_(regions_of(map.blocks())) {
  for (std::uint64_t chunk = 0; chunk < map.chunks(); ++chunk) {
    if (map.is_untouched(chunk)) continue;
    DiskMap::Words words;
    map.copy_chunk(chunk, words);
    map_.load_chunk(chunk, words);
  }
}

void DiskSnapshot::keep(BlockRange range, File& pack) {
  if (range.empty()) return;
  const BlockRange disk{BlockIndex(0), map_.blocks()};
  const std::uint64_t last = (range.end().value() - 1) / DiskMap::region_blocks;
  for (std::uint64_t i = range.first.value() / DiskMap::region_blocks; i <= last; ++i) {
    if (kept_.contains(BlockIndex(i))) continue;
    const BlockIndex first(i * DiskMap::region_blocks);
    const auto done =
        keep_region(intersect(disk, {first, BlockCount(DiskMap::region_blocks)}), pack);
    if (!done) {
      const Lock lock(mutex_);
      if (!error_) error_ = done.error();
    }
    kept_.insert({BlockIndex(i), BlockCount(1)});
  }
}

Result<void> DiskSnapshot::keep_region(BlockRange region, File& pack) {
  std::vector<std::byte> bytes;
  while (const auto run = map_.next(region, DiskPlace::written)) {
    bytes.resize(bytes_of(run->count).value());
    WEFT_TRY(const std::size_t got, pack.read_at(offset_of(run->first), bytes));
    if (got != bytes.size()) {
      return fail(Errc::damaged_state, Operation::read, "the pack of the disk is too short");
    }
    WEFT_CHECK(sink_(run->first, bytes));
    region = BlockRange::between(run->end(), region.end());
  }
  return {};
}

std::optional<Error> DiskSnapshot::error() const {
  const Lock lock(mutex_);
  return error_;
}

}  // namespace weft
