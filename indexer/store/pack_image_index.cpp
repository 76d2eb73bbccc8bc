// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/index_writer.h"
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <utility>

// How the blocks of an image are found by others.
namespace weft {
namespace {

/// An index is made again, and others look again, when there is a quarter more: all of that
/// together costs five times what the last one does.
constexpr std::uint64_t growth_divisor = 4;

}  // namespace

std::shared_ptr<const DigestIndex> PackImage::index() const {
  const Lock lock(index_mutex_);
  return index_;
}

Result<void> PackImage::refresh_index(bool at_once) {
  if (row_.lender) return {};
  const Lock lock(index_writing_mutex_);
  const auto before = index();
  if (before && before->is_whole()) return {};
  const std::uint64_t leaves = leaves_not_indexed_.load(std::memory_order_relaxed);
  if (leaves == 0) return {};
  const BlockCount covered = before ? before->covered() : BlockCount(0);
  if (!at_once && before && leaves <= covered.value() / tree_fanout / growth_divisor) {
    WEFT_TRY(const bool whole, tree_is_whole());
    if (!whole) return {};
  }
  return write_index(covered + BlockCount(leaves * tree_fanout));
}

Result<void> PackImage::write_index(BlockCount most) {
  // A hint is not worth the last free space: without it others find less here.
  if (!env_.space.reserve(ByteCount(most.value() * DigestIndex::entry_size))) return {};
  const std::uint64_t leaves = leaves_not_indexed_.exchange(0, std::memory_order_relaxed);
  const auto write = [&]() -> Result<std::shared_ptr<const DigestIndex>> {
    WEFT_CHECK(write_digest_index(env_.fs, paths_, row_.info.id, tree_));
    WEFT_TRY(auto file, env_.fs.open(paths_.index, OpenMode::read));
    return DigestIndex::open(std::move(file), row_.info.id);
  };
  auto written = write();
  if (!written) {
    leaves_not_indexed_.fetch_add(leaves, std::memory_order_relaxed);
    return std::unexpected(std::move(written).error());
  }
  {
    const Lock lock(index_mutex_);
    index_ = std::move(*written);
  }
  announce(LendingDesk::News::image);
  return {};
}

// Amortised over all calls the tree is walked once.
Result<bool> PackImage::tree_is_whole() {
  const auto rest = BlockRange::between(tree_known_to_, all_blocks().end());
  if (rest.empty()) return true;
  WEFT_TRY(const auto absent, tree_.next_absent(rest));
  tree_known_to_ =
      absent ? std::max(tree_known_to_, shape().blocks_below(*absent).first) : all_blocks().end();
  return !absent;
}

void PackImage::settle(BlockSearch& search, std::vector<BlockSearch::Candidate> candidates,
                       const BlockSearch::Take& take) {
  search.settle(
      std::move(candidates), [this](BlockIndex block) { return has(block); },
      [this](BlockIndex first, std::span<Digest> out) { return block_digests(first, out); }, take);
}

void PackImage::announce(LendingDesk::News news) {
  using News = LendingDesk::News;
  // Counted first: should another thread look in between, it looks once too often.
  own_news_[static_cast<std::size_t>(News::blocks)].fetch_add(1);
  if (news == News::image) own_news_[static_cast<std::size_t>(News::image)].fetch_add(1);
  env_.desk.announce(news);
}

BlockCount PackImage::blocks_to_lend() const {
  const ResidencyMap& map = pack_->map;
  return map.own.count() + map.source.count() + map.borrowed.count();
}

// After a flush: others may find more here than before.
void PackImage::announce_growth() {
  const std::uint64_t now = blocks_to_lend().value();
  const std::uint64_t before = announced_blocks_.exchange(now);
  if (now == before || row_.lender) return;
  const std::uint64_t at_last_image = announced_much_.load();
  const bool much = now > at_last_image + at_last_image / growth_divisor || seems_complete();
  if (much) announced_much_ = now;
  announce(much ? LendingDesk::News::image : LendingDesk::News::blocks);
}

}  // namespace weft
