// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/open_elsewhere.h"
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

// An image and its lenders.
namespace weft {

std::optional<LentBlock> PackImage::place_of(BlockIndex block) {
  const auto run = pack_->map.leading_run({block, BlockCount(1)});
  if (run.place == Place::own || run.place == Place::source) return LentBlock{pack_, block};
  if (run.place != Place::borrowed) return std::nullopt;
  const auto borrowed = borrow_map_.find(block);
  if (!borrowed) return std::nullopt;
  auto lender = env_.desk.lender(borrowed->lender->id());
  if (!lender) return std::nullopt;
  return LentBlock{std::move(*lender), borrowed->source};
}

std::vector<BorrowMap::Run> PackImage::runs_from(const ImageId& lender) const {
  std::vector<BorrowMap::Run> out;
  const ResidencyMap& map = pack_->map;
  for (const auto& run : borrow_map_.runs(all_blocks())) {
    if (run.lender->id() != lender) continue;
    for (BlockRange rest = run.blocks; !rest.empty();) {
      const auto part = map.leading_run(rest);
      if (part.place == Place::borrowed) {
        out.push_back({part.range, run.lender, run.source + (part.range.first - run.blocks.first)});
      }
      rest = BlockRange::between(part.range.end(), rest.end());
    }
  }
  return out;
}

std::vector<BlockRange> PackImage::borrowed_from(const ImageId& lender) const {
  std::vector<BlockRange> out;
  for (const auto& run : runs_from(lender))
    out.push_back({run.source, run.blocks.count});
  return out;
}

Result<void> PackImage::take_over(const ImageId& lender) {
  for (const auto& run : runs_from(lender))
    WEFT_CHECK(take_over_run(run));
  WEFT_CHECK(flush());
  return rewrite_borrow_file();
}

// A run lies within a leaf, as the borrow map keeps it.
Result<void> PackImage::take_over_run(const BorrowMap::Run& run) {
  const Writing writing(*this);
  WEFT_CHECK(writing.start());
  std::array<std::byte, block_size> bytes;
  for (BlockIndex block = run.blocks.first; block < run.blocks.end(); ++block) {
    const auto got = read_run(Place::borrowed, block, bytes);
    if (!got && got.error().is(Errc::not_resident)) continue;
    WEFT_CHECK(got);
    WEFT_CHECK(store_blocks(block, bytes));
    pack_->map.borrowed.erase({block, BlockCount(1)});
  }
  return {};
}

// Leaves only records of blocks that are still borrowed. Renamed into place: either file is right.
Result<void> PackImage::rewrite_borrow_file() {
  std::vector<BorrowRecord> records;
  for (const auto& run : borrow_map_.runs(all_blocks())) {
    for (BlockRange rest = run.blocks; !rest.empty();) {
      const auto part = pack_->map.leading_run(rest);
      if (part.place == Place::borrowed) {
        records.push_back(
            {part.range, run.lender->id(), run.source + (part.range.first - run.blocks.first)});
      }
      rest = BlockRange::between(part.range.end(), rest.end());
    }
  }
  const auto beside = paths_.directory / "borrow.new";
  WEFT_CHECK(env_.fs.remove(beside));
  WEFT_TRY(auto file, env_.fs.open(beside, OpenMode::create_exclusive));
  WEFT_TRY(auto fresh, BorrowFile::open(std::move(file), row_.info.id));
  const Lock lock(borrow_mutex_);
  WEFT_CHECK(fresh.append(records));
  WEFT_CHECK(fresh.sync());
  WEFT_CHECK(env_.fs.rename(beside, paths_.borrow));
  borrow_file_ = std::move(fresh);
  return env_.fs.sync_directory(paths_.directory);
}

// Bits first: a block must not be punched out while a bit on disk claims it.
Result<void> PackImage::shrink_to(std::span<const BlockRange> keep) {
  const Writing writing(*this);
  WEFT_CHECK(writing.start());
  ResidencyMap& map = pack_->map;
  const bool zero_unknown = full_from_header_.exchange(false);
  std::vector<BlockRange> gone;
  BlockIndex at(0);
  const auto drop_until = [&](BlockIndex end) {
    const auto range = BlockRange::between(at, end);
    if (!range.empty()) gone.push_back(range);
  };
  for (const BlockRange& kept : keep) {
    drop_until(kept.first);
    at = std::max(at, kept.end());
  }
  drop_until(all_blocks().end());
  for (const BlockRange& range : gone) {
    map.own.erase(range);
    map.borrowed.erase(range);
  }
  implied_zero_ = 0;
  if (zero_unknown) WEFT_CHECK(recover_zero());
  mark_everything_dirty();
  WEFT_CHECK(flush());
  WEFT_CHECK(env_.fs.remove(paths_.index));
  WEFT_CHECK(env_.fs.sync_directory(paths_.directory));
  // After a forced unmount the kernel may still read the pack for a process, which must not find
  // zeros in it. What stays is given back the next time.
  const bool is_read = is_open_elsewhere(pack_->own());
  for (const BlockRange& range : gone) {
    if (!is_read) WEFT_CHECK(pack_->own().punch({offset_of(range.first), bytes_of(range.count)}));
    WEFT_CHECK(sums_.forget(range));
  }
  return {};
}

}  // namespace weft
