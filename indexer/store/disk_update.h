// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/image_table.h"
#include "indexer/store/incoming_image.h"
#include "indexer/store/residency_map.h"
#include "indexer/store/update_writer.h"
#include "indexer/tree/tree_updater.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weft {

/// Makes the new version of an image in `incoming/` and moves the name to it.
///
/// Where the new image's blocks lie is decided at the start (`Layout`). Unchanged blocks are not
/// stored twice: they are borrowed from the old image, or from the lender that the old image has
/// them from, so that borrowing does not grow into chains; or the new pack shares extents with the
/// old one.
///
/// Disk and memory: as ImportWriter, and two bits for each block in parts that have changes.
class DiskUpdate final : public UpdateWriter {
 public:
  /// Errors as `Store::begin_update`.
  [[nodiscard]] static Result<std::unique_ptr<DiskUpdate>> begin(std::shared_ptr<ImageTable> table,
                                                                 UpdateTarget target);

  const ImageInfo& old_image() const noexcept override { return old_->info(); }
  PackKind kind() const noexcept override { return kind_; }
  Result<void> clone(File& source) override;
  Result<Mask> take_unchanged(BlockIndex first, std::span<const std::byte> bytes) override;
  Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                   std::span<const Digest> digests) override;
  Result<void> put_zero(BlockRange blocks) override;
  Result<UpdateResult> publish() override;

 private:
  enum class Layout {
    borrow,   ///< changed blocks in the new pack, the others are borrowed
    shared,   ///< the new pack began as a clone of the old one
    copy,     ///< all blocks in the new pack: the old image is in place, and its file not ours
    outside,  ///< in the file: in place, or cloned from it
  };
  /// Blocks of a piece, by what is to be done with them.
  struct Fates {
    Mask data;     ///< not zero
    Mask changed;  ///< have another digest than in the old image
    Mask held;     ///< the same digest, and the old image has them
  };
  DiskUpdate(std::shared_ptr<ImageTable> table, UpdateTarget target,
             std::unique_ptr<IncomingImage> incoming, std::shared_ptr<LocalImage> handle,
             std::shared_ptr<PackImage> old);
  [[nodiscard]] Result<void> choose_layout();
  [[nodiscard]] BlockRange in_old(BlockRange blocks) const;
  [[nodiscard]] std::size_t old_digests(BlockIndex first, std::span<Digest> out);
  [[nodiscard]] Result<void> keep(BlockIndex first, std::span<const std::byte> bytes,
                                  const Fates& fates, std::span<const std::uint64_t> sums);
  [[nodiscard]] Result<void> write_runs(BlockIndex first, std::span<const std::byte> bytes,
                                        const Mask& blocks);
  [[nodiscard]] Result<void> now_zero(BlockRange blocks);
  [[nodiscard]] bool is_partial_end(BlockIndex block) const;

  // disk_update_publish.cpp
  [[nodiscard]] Result<void> finish_files(const ImageInfo& info);
  [[nodiscard]] Result<void> write_map(const ImageInfo& info);
  [[nodiscard]] Result<void> write_borrowed(const ImageInfo& info);
  [[nodiscard]] Result<void> register_new(const ImageInfo& info);
  [[nodiscard]] Result<void> register_known(const CatalogImage& row);
  [[nodiscard]] Result<void> complete_known(LocalImage& image);
  [[nodiscard]] Result<void> read_new(BlockRange blocks, std::span<std::byte> out);
  void retire(const ImageId& id) WEFT_NO_ANALYSIS;

  const std::shared_ptr<ImageTable> table_;
  const UpdateTarget target_;
  const PackKind kind_;
  const BlockCount blocks_;
  const std::unique_ptr<IncomingImage> incoming_;
  const std::shared_ptr<PackImage> old_;
  std::shared_ptr<LocalImage> handle_;  // on the old image: it stays as it is
  Layout layout_ = Layout::outside;
  TreeUpdater tree_;
  BlockSet changed_;  // blocks of another digest than before
  ResidencyMap map_;  // of the new image: what is its own, and what it borrows
  std::atomic<std::uint64_t> data_blocks_{0};
  std::vector<ImageId> lenders_;
};

}  // namespace weft
