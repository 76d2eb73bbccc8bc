// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_commit.h"

#include "indexer/core/hash.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {
namespace {

constexpr std::size_t piece_blocks = 128;

}  // namespace

Result<std::unique_ptr<DiskCommit>> DiskCommit::begin(std::shared_ptr<ImageTable> table,
                                                      std::shared_ptr<WritableDisk> disk,
                                                      std::shared_ptr<PackImage> base,
                                                      std::string name) {
  WEFT_TRY(auto incoming, IncomingImage::create(table, disk->size()));
  std::unique_ptr<DiskCommit> commit(new DiskCommit(
      std::move(table), std::move(disk), std::move(base), std::move(name), std::move(incoming)));
  WEFT_TRY(commit->snapshot_,
           commit->disk_->begin_snapshot(
               [self = commit.get()](BlockIndex first, std::span<const std::byte> blocks) {
                 return self->take(first, blocks);
               }));
  commit->taking_ = true;
  return commit;
}

DiskCommit::DiskCommit(std::shared_ptr<ImageTable> table, std::shared_ptr<WritableDisk> disk,
                       std::shared_ptr<PackImage> base, std::string name,
                       std::unique_ptr<IncomingImage> incoming)
    : table_(std::move(table)),
      disk_(std::move(disk)),
      base_(std::move(base)),
      name_(std::move(name)),
      incoming_(std::move(incoming)),
      tree_(incoming_->tree(), disk_->size(), base_->tree(), TreeUpdater::OldTree::in_part),
      own_(blocks_for(disk_->size())),
      changed_(blocks_for(disk_->size())) {}

DiskCommit::~DiskCommit() {
  // Waits for writers that are handing something over.
  if (taking_) disk_->end_snapshot();
}

// Called by writers too, for different regions at once.
Result<void> DiskCommit::take(BlockIndex first, std::span<const std::byte> blocks) {
  while (!blocks.empty()) {
    const auto piece = blocks.first(std::min(blocks.size(), piece_blocks * block_size));
    WEFT_CHECK(take_piece(first, piece));
    first += BlockCount(piece.size() / block_size);
    blocks = blocks.subspan(piece.size());
  }
  return {};
}

Result<void> DiskCommit::take_piece(BlockIndex first, std::span<const std::byte> blocks) {
  std::array<Digest, piece_blocks> digests;
  std::array<std::uint64_t, piece_blocks> sums{};
  const std::size_t count = blocks.size() / block_size;
  digests_of_blocks(blocks, std::span(digests).first(count));
  WEFT_CHECK(tree_.put(first, std::span(digests).first(count)));
  WEFT_CHECK(table_->space().reserve(ByteCount(blocks.size())));
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i;
    while (end < count && !digests[end].is_zero())
      ++end;
    if (end > i) {
      const BlockRange run{first + BlockCount(i), BlockCount(end - i)};
      WEFT_CHECK(incoming_->pack().write_at(
          offset_of(run.first), blocks.subspan(i * block_size, (end - i) * block_size)));
      own_.insert(run);
    }
    i = std::max(end, i + 1);
  }
  for (std::size_t i = 0; i < count; ++i)
    if (!digests[i].is_zero()) sums[i] = xxh3(blocks.subspan(i * block_size, block_size));
  changed_.insert({first, BlockCount(count)});
  return incoming_->sums().store(first, std::span(sums).first(count));
}

Result<std::vector<BlockIndex>> DiskCommit::needed(std::size_t limit) {
  std::vector<BlockIndex> out;
  const DiskMap& map = snapshot_->map();
  BlockRange rest = whole_disk();
  while (!rest.empty() && out.size() < limit) {
    const auto run = map.leading_run(rest);
    if (run.place == DiskPlace::below) {
      rest = BlockRange::between(run.range.end(), rest.end());
      continue;
    }
    const BlockIndex leaf_first(run.range.first.value() / tree_fanout * tree_fanout);
    const BlockRange leaf = intersect({leaf_first, BlockCount(tree_fanout)}, whole_disk());
    WEFT_TRY(const auto missing, base_->first_missing_node(run.range.first));
    // A leaf of which nothing is left is made anew; the nodes above it are needed all the same.
    const auto kept = map.next(leaf, DiskPlace::below);
    if (missing && (missing->level > 1 || kept)) out.push_back(kept ? kept->first : leaf.first);
    rest = BlockRange::between(leaf.end(), rest.end());
  }
  return out;
}

Result<std::vector<BlockIndex>> DiskCommit::missing_leaves(std::size_t limit) {
  std::vector<BlockIndex> out;
  while (out.size() < limit) {
    const auto data =
        disk_->base()->next_data(BlockRange::between(leaves_known_to_, whole_disk().end()));
    if (!data) break;
    WEFT_TRY(const auto missing, base_->first_missing_node(data->first));
    if (missing) out.push_back(data->first);
    leaves_known_to_ = BlockIndex((data->first.value() / tree_fanout + 1) * tree_fanout);
  }
  return out;
}

Result<void> DiskCommit::take_all() {
  BlockRange rest = whole_disk();
  while (const auto run = snapshot_->map().next(rest, DiskPlace::written)) {
    // A region at a time: its lock is held meanwhile.
    for (BlockRange part = *run; !part.empty();) {
      const BlockIndex next((part.first.value() / DiskMap::region_blocks + 1) *
                            DiskMap::region_blocks);
      disk_->keep_for(*snapshot_, BlockRange::between(part.first, std::min(next, part.end())));
      part = BlockRange::between(next, part.end());
    }
    rest = BlockRange::between(run->end(), rest.end());
  }
  if (auto error = snapshot_->error()) return std::unexpected(std::move(*error));
  return {};
}

// What the image below has there, if anything, is zero now.
Result<void> DiskCommit::note_zeros() {
  BlockRange rest = whole_disk();
  while (const auto run = snapshot_->map().next(rest, DiskPlace::zero)) {
    const auto walked = base_->each_data(*run, [&](BlockRange data) -> Result<void> {
      changed_.insert(data);
      return {};
    });
    if (!walked && !walked.error().is(Errc::not_resident)) return walked;
    if (!walked) changed_.insert(*run);
    rest = BlockRange::between(run->end(), rest.end());
  }
  return {};
}

Result<CommitResult> DiskCommit::publish() {
  WEFT_CHECK(take_all());
  WEFT_CHECK(note_zeros());
  taking_ = false;
  disk_->end_snapshot();
  WEFT_TRY(const Digest root, tree_.finish([this](BlockRange range) {
    return changed_.next(intersect(range, whole_disk()));
  }));
  const ImageInfo info{make_image_id(disk_->size(), root), disk_->size(), root};
  WEFT_CHECK(write_files(info));
  WEFT_TRY(auto image, register_image(info));
  // Others find by it what the image shares. Without it everything can be read all the same, and
  // the store's next flush tries again.
  if (const auto made = table_->open(info.id)) static_cast<void>((*made)->refresh_index(false));
  if (!name_.empty()) image.reset();
  return CommitResult{info, own_.count(), std::move(image)};
}

}  // namespace weft
