// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/catalog.h"
#include "indexer/core/mutex.h"
#include "indexer/store/block_search.h"
#include "indexer/store/borrow_file.h"
#include "indexer/store/borrow_map.h"
#include "indexer/store/digest_index.h"
#include "indexer/store/image_paths.h"
#include "indexer/store/lending.h"
#include "indexer/store/local_image.h"
#include "indexer/store/map_file.h"
#include "indexer/store/pack.h"
#include "indexer/store/space_guard.h"
#include "indexer/store/sums_file.h"
#include "indexer/tree/tree_file.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weft {

/// What an image needs from its store. All of it outlives the image.
struct ImageEnvironment {
  FileSystem& fs;
  SpaceGuard& space;
  LendingDesk& desk;
};

/// A LocalImage on disk: pack, tree, map, sums and borrow file of one directory.
///
/// Reads take no lock: they go by the sets of `Pack::map`. Commits write data, then sums, then set
/// bits in memory; `flush` makes the data durable and then writes the bits. Locks, always taken in
/// this order and, but for `index_writing_mutex_`, never while a LendingDesk is called:
/// `index_writing_mutex_`, `flush_mutex_`, `borrow_mutex_`, `header_mutex_`, and alone
/// `index_mutex_` and `resolve_mutex_`.
class PackImage final : public LocalImage {
 public:
  /// Opens the files in `paths`, creating those that are absent, and recovers: if the image was not
  /// closed with everything flushed, what lies in the pack without a bit is hashed. Errors:
  /// newer_state, and the disk's.
  [[nodiscard]] static Result<std::shared_ptr<PackImage>> open(ImageEnvironment environment,
                                                               const CatalogImage& row,
                                                               const ImagePaths& paths);

  const ImageInfo& info() const noexcept override { return row_.info; }
  const TreeShape& shape() const noexcept override { return tree_.shape(); }
  bool in_place() const noexcept override { return row_.in_place; }

  Result<Digest> block_digest(BlockIndex block) override;
  Result<NodeBytes> node(TreeNode node) override;
  Result<std::optional<TreeNode>> first_missing_node(BlockIndex block) override;
  Result<void> add_node(TreeNode node, std::span<const std::byte> bytes) override;
  std::vector<Result<void>> add_nodes(std::span<const PlacedNode> nodes) override;

  bool readable(BlockRange range) const noexcept override;
  bool borrows(BlockRange range) const noexcept override;
  std::optional<BlockRange> next_missing(BlockRange range) const override;
  std::optional<BlockRange> next_data(BlockRange range) override;
  Result<void> read(ByteOffset offset, std::span<std::byte> out) override;
  Result<void> commit(BlockRange range, std::span<const std::byte> bytes) override;
  Result<BlockCount> resolve(BlockRange range) override;
  Result<BlockRange> make_whole(BlockRange rest) override;
  int whole_pack() const noexcept override;
  Result<void> clone_into(File& file) override;
  Result<void> flush() override WEFT_EXCLUDES(flush_mutex_);

  std::uint64_t generation() const noexcept override {
    return generation_.load(std::memory_order_acquire);
  }
  ImageUsage usage() const override;
  BlockCount lost_blocks() const noexcept override {
    return BlockCount(lost_.load(std::memory_order_relaxed));
  }

  // --- For the store only.
  [[nodiscard]] const CatalogImage& row() const noexcept { return row_; }
  [[nodiscard]] const std::shared_ptr<Pack>& pack() const noexcept { return pack_; }
  /// By which blocks of this image are found; null if there is none (yet).
  [[nodiscard]] std::shared_ptr<const DigestIndex> index() const WEFT_EXCLUDES(index_mutex_);
  /// Makes the index anew if that is worth it: the tree has become whole, or so much larger that
  /// all such indexes together cost no more than a few times the last one; or `at_once`, if there
  /// is anything that it does not cover.
  [[nodiscard]] Result<void> refresh_index(bool at_once) WEFT_EXCLUDES(index_writing_mutex_);
  /// As `readable`, of a block that may be past the end: indexes are hints.
  [[nodiscard]] bool has(BlockIndex block) const noexcept {
    return all_blocks().contains(block) && readable({block, BlockCount(1)});
  }
  /// Settles which candidates from this image's index are wanted blocks that it has.
  void settle(BlockSearch& search, std::vector<BlockSearch::Candidate> candidates,
              const BlockSearch::Take& take);
  /// Where a readable block can be had: in this image's own files, or in those of its lender.
  [[nodiscard]] std::optional<LentBlock> place_of(BlockIndex block);
  [[nodiscard]] Result<void> block_digests(BlockIndex first, std::span<Digest> out) {
    return tree_.block_digests(first, out);
  }
  /// Goes on looking for missing blocks in other images, if there is news of one; a part of the
  /// image at a time, so that nobody who calls this waits for long.
  [[nodiscard]] Result<void> resolve_some() WEFT_EXCLUDES(resolve_mutex_);
  /// Sums to compare other bytes with: 0 where the sum is not known, or the block not readable
  /// here.
  void comparable_sums(BlockIndex first, std::span<std::uint64_t> out);
  /// Calls `visit` for each run of blocks of `range` that the tree does not prove to be zero.
  [[nodiscard]] Result<void> each_data(BlockRange range,
                                       const std::function<Result<void>(BlockRange)>& visit);
  /// Where these blocks really are: in the own files, or in those of a lender of this image. Those
  /// that are nowhere, or zero, are left out.
  [[nodiscard]] std::vector<BorrowRecord> holders(BlockRange range);
  [[nodiscard]] TreeFile& tree() noexcept { return tree_; }
  /// Every block is in the own pack, zero ones as holes.
  [[nodiscard]] bool is_full() const;
  /// Blocks of `lender` that this image borrows and still needs; in no order, may overlap.
  [[nodiscard]] std::vector<BlockRange> borrowed_from(const ImageId& lender) const;
  /// Copies everything borrowed from `lender` into the own pack, durably. Blocks that cannot be
  /// read any more become missing.
  [[nodiscard]] Result<void> take_over(const ImageId& lender);
  /// Gives back all blocks but `keep` (sorted, disjoint). For a lender that is no image any more.
  /// Their space stays taken while somebody else has the pack open.
  [[nodiscard]] Result<void> shrink_to(std::span<const BlockRange> keep)
      WEFT_EXCLUDES(flush_mutex_);
  [[nodiscard]] ByteCount physical_size() const;
  /// Nothing was changed since the last flush.
  [[nodiscard]] bool is_clean() const noexcept { return clean_.load(); }

 private:
  /// Announces that bits may be set, so that the header on disk does not say clean meanwhile.
  class Writing {
   public:
    explicit Writing(PackImage& image) : image_(image) { image_.writing_.fetch_add(1); }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    ~Writing() { image_.writing_.fetch_sub(1); }
    [[nodiscard]] Result<void> start() const {
      return image_.clean_.load() ? image_.make_unclean() : Result<void>{};
    }

   private:
    PackImage& image_;
  };
  struct Files {
    std::shared_ptr<Pack> pack;
    std::unique_ptr<File> tree;
    MapFile map;
    SumsFile sums;
    BorrowFile borrow;
  };
  PackImage(ImageEnvironment environment, const CatalogImage& row, const ImagePaths& paths,
            Files files);
  [[nodiscard]] static Result<Files> open_files(FileSystem& fs, const CatalogImage& row,
                                                const ImagePaths& paths);
  [[nodiscard]] BlockRange all_blocks() const { return {BlockIndex(0), shape().blocks()}; }

  // pack_image_open.cpp
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> load_borrowed() WEFT_EXCLUDES(borrow_mutex_);
  [[nodiscard]] Result<void> load_index() WEFT_EXCLUDES(index_mutex_);
  [[nodiscard]] Result<void> recover_resident();
  [[nodiscard]] Result<void> recover_piece(BlockRange blocks);
  [[nodiscard]] Result<void> recover_zero();
  [[nodiscard]] Result<BlockRange> zero_at(BlockIndex block);

  // pack_image_read.cpp
  [[nodiscard]] Result<void> read_partial(BlockIndex block, std::size_t skip,
                                          std::span<std::byte> out);
  [[nodiscard]] Result<void> read_whole(BlockIndex first, std::span<std::byte> out);
  [[nodiscard]] Result<void> read_run(Place place, BlockIndex first, std::span<std::byte> out);
  [[nodiscard]] Result<void> read_borrowed(BlockIndex first, std::span<std::byte> out);
  [[nodiscard]] Result<void> check(Place place, BlockIndex first, std::span<std::byte> bytes);
  [[nodiscard]] bool check_by_digest(Place place, BlockIndex block, std::span<std::byte> bytes,
                                     const Digest& digest);
  void lose(Place place, BlockIndex block);

  // pack_image_write.cpp
  [[nodiscard]] Result<void> commit_piece(BlockIndex first, std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> store_missing(BlockIndex first, std::span<const std::byte> bytes,
                                           std::span<const Digest> digests);
  [[nodiscard]] Result<void> store_blocks(BlockIndex first, std::span<const std::byte> bytes);
  bool mark_zero(BlockRange blocks);  ///< false: nothing changed
  void mark_own(BlockRange blocks);
  [[nodiscard]] Result<void> put_node(const PlacedNode& placed, std::vector<BlockRange>& leaves);
  [[nodiscard]] Result<void> take_offer(std::span<const BlockIndex> wanted,
                                        LendingDesk::Offer offer) WEFT_EXCLUDES(borrow_mutex_);
  [[nodiscard]] std::vector<BorrowMap::Run> runs_from(const ImageId& lender) const;
  [[nodiscard]] Result<void> take_over_run(const BorrowMap::Run& run);
  [[nodiscard]] Result<void> rewrite_borrow_file() WEFT_EXCLUDES(borrow_mutex_);
  [[nodiscard]] LenderSlot& slot_of(const ImageId& lender) WEFT_REQUIRES(borrow_mutex_);

  // pack_image_whole.cpp
  [[nodiscard]] Result<void> compare_own(BlockRange blocks);
  [[nodiscard]] Result<void> copy_borrowed(BlockRange blocks);
  [[nodiscard]] Result<void> clear_zero(BlockRange blocks);
  [[nodiscard]] Result<void> begin_whole();

  // pack_image_resolve.cpp
  struct MissingBlocks;
  class LookedAt;
  [[nodiscard]] Result<void> gather(BlockRange& rest, MissingBlocks& out);
  [[nodiscard]] Result<void> gather_leaf(BlockRange blocks, MissingBlocks& out);
  [[nodiscard]] Result<void> borrow_missing(std::span<const BlockRange> ranges);
  [[nodiscard]] Result<void> borrow(MissingBlocks missing, LookedAt& looked_at);
  [[nodiscard]] Result<void> resolve_batch(BlockRange& rest);
  [[nodiscard]] Result<void> copy_twins(const MissingBlocks& missing);
  [[nodiscard]] Result<void> copy_block(BlockIndex from, BlockIndex to, const Digest& digest);
  [[nodiscard]] std::uint64_t news_of_others(LendingDesk::News news) const;

  // pack_image_index.cpp
  [[nodiscard]] Result<bool> tree_is_whole() WEFT_REQUIRES(index_writing_mutex_);
  [[nodiscard]] Result<void> write_index(BlockCount most) WEFT_REQUIRES(index_writing_mutex_);
  void announce(LendingDesk::News news);
  void announce_growth();
  [[nodiscard]] BlockCount blocks_to_lend() const;

  // pack_image.cpp
  void mark_dirty(MapPlane plane, BlockRange blocks);
  void mark_everything_dirty();
  [[nodiscard]] std::vector<MapFile::ChunkSnapshot> take_dirty();
  void put_back(std::span<const MapFile::ChunkSnapshot> chunks);
  [[nodiscard]] Result<void> write_down(std::span<const MapFile::ChunkSnapshot> chunks)
      WEFT_REQUIRES(flush_mutex_);
  [[nodiscard]] Result<bool> finish_header() WEFT_REQUIRES(flush_mutex_);
  [[nodiscard]] Result<void> make_unclean() WEFT_EXCLUDES(header_mutex_);
  [[nodiscard]] bool seems_complete() const;
  void changed() { generation_.fetch_add(1, std::memory_order_acq_rel); }

  static constexpr std::uint64_t not_whole = ~std::uint64_t{0};

  // Constant after construction; what they point to is thread-safe.
  const ImageEnvironment env_;
  const CatalogImage row_;
  const ImagePaths paths_;
  const std::shared_ptr<Pack> pack_;
  TreeFile tree_;
  mutable SumsFile sums_;

  // Atomic.
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> whole_began_{0};       // `lost_` when the last `make_whole` began
  std::atomic<std::uint64_t> whole_at_{not_whole};  // `lost_` for which the pack is whole
  std::atomic<std::uint64_t> implied_zero_{0};      // zero blocks that `own` or `source` claims
  std::atomic<std::uint32_t> writing_{0};           // operations that may set bits
  std::atomic<bool> clean_{false};                  // as the header on disk says
  BlockSet dirty_own_;                              // chunk numbers, not blocks
  BlockSet dirty_zero_;
  std::atomic<bool> full_from_header_{false};  // `own` claims all; chunks on disk were not read
  std::atomic<std::uint64_t> leaves_not_indexed_{0};
  std::atomic<std::uint64_t> announced_blocks_{0};  // what there was to lend at the last news,
  std::atomic<std::uint64_t> announced_much_{0};    // and at the last one of an image
  std::array<std::atomic<std::uint64_t>, 2> own_news_{};  // announced by this image, by kind

  Mutex flush_mutex_;  // orders flushes

  Mutex index_writing_mutex_;                                       // one index is made at a time
  BlockIndex tree_known_to_ WEFT_GUARDED_BY(index_writing_mutex_);  // all leaves before it are here
  mutable Mutex index_mutex_;
  std::shared_ptr<const DigestIndex> index_ WEFT_GUARDED_BY(index_mutex_);

  Mutex resolve_mutex_;
  BlockSet looked_at_;  // numbers of leaves that were looked for in other images, and
  std::uint64_t looked_at_news_ WEFT_GUARDED_BY(resolve_mutex_) = 0;  // when that was
  BlockRange background_ WEFT_GUARDED_BY(resolve_mutex_);  // what is left to be looked at
  std::uint64_t background_news_ WEFT_GUARDED_BY(resolve_mutex_) = 0;

  mutable Mutex borrow_mutex_;
  BorrowMap borrow_map_;  // read without the lock
  BorrowFile borrow_file_ WEFT_GUARDED_BY(borrow_mutex_);
  std::vector<std::unique_ptr<LenderSlot>> lenders_ WEFT_GUARDED_BY(borrow_mutex_);

  // Chunks are written by flushes only; the header, and whether it says clean, under the lock.
  Mutex header_mutex_;
  MapFile map_file_;
};

}  // namespace weft
