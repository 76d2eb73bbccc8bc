// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/image_table.h"
#include "indexer/store/incoming_image.h"
#include "indexer/tree/tree_updater.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weft {

struct CommitResult {
  ImageInfo info;
  BlockCount written;  ///< blocks that the disk had and the new image has in its own pack
  std::shared_ptr<LocalImage> image;  ///< of an image without a name: it goes with this
};

/// A new image of what a disk held at the moment this object was made; the disk goes on.
///
/// Only what was written to the disk is read and hashed. Subtrees without a change are those of the
/// image below, and its blocks are borrowed as far as they are here. What is not here of it is not
/// here of the new image either; but of its tree the nodes above changed blocks are needed.
///
/// Invisible until `publish`; destroying it before leaves nothing. Not thread-safe; the disk's
/// writers hand over what they are about to change.
class DiskCommit {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DiskCommit>> begin(std::shared_ptr<ImageTable> table,
                                                                 std::shared_ptr<WritableDisk> disk,
                                                                 std::shared_ptr<PackImage> base,
                                                                 std::string name);
  DiskCommit(const DiskCommit&) = delete;
  DiskCommit& operator=(const DiskCommit&) = delete;
  ~DiskCommit();

  [[nodiscard]] const std::shared_ptr<LocalImage>& base() const noexcept { return disk_->base(); }
  /// Blocks of the image below, at most `limit`, whose paths in its tree must be here before
  /// `publish`: to be fetched, then asked for again, until there are none.
  [[nodiscard]] Result<std::vector<BlockIndex>> needed(std::size_t limit);
  /// The same for all of the tree, from where the last call ended: only with a whole tree can the
  /// new image be served to others, who find by it what they have already.
  [[nodiscard]] Result<std::vector<BlockIndex>> missing_leaves(std::size_t limit);
  /// Once. The new image has its name and can be read, and served, when this returns. Errors:
  /// name_taken; not_resident: see `needed`; the disk's.
  [[nodiscard]] Result<CommitResult> publish();

 private:
  DiskCommit(std::shared_ptr<ImageTable> table, std::shared_ptr<WritableDisk> disk,
             std::shared_ptr<PackImage> base, std::string name,
             std::unique_ptr<IncomingImage> incoming);
  [[nodiscard]] BlockRange whole_disk() const { return {BlockIndex(0), own_.blocks()}; }
  [[nodiscard]] Result<void> take(BlockIndex first, std::span<const std::byte> blocks);
  [[nodiscard]] Result<void> take_piece(BlockIndex first, std::span<const std::byte> blocks);
  [[nodiscard]] Result<void> take_all();
  [[nodiscard]] Result<void> note_zeros();
  // disk_commit_publish.cpp
  [[nodiscard]] Result<void> write_files(const ImageInfo& info);
  [[nodiscard]] Result<void> write_map(const ImageInfo& info);
  [[nodiscard]] Result<void> write_borrowed(const ImageInfo& info);
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> register_image(const ImageInfo& info);
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> name_known(std::shared_ptr<LocalImage> image);
  [[nodiscard]] Result<void> complete_known(LocalImage& image);

  const std::shared_ptr<ImageTable> table_;
  const std::shared_ptr<WritableDisk> disk_;
  const std::shared_ptr<PackImage> base_;
  const std::string name_;
  const std::unique_ptr<IncomingImage> incoming_;
  TreeUpdater tree_;
  BlockSet own_;      // in the new pack
  BlockSet changed_;  // not (known to be) as in the image below
  std::vector<ImageId> lenders_;
  BlockIndex leaves_known_to_;
  std::shared_ptr<DiskSnapshot> snapshot_;
  bool taking_ = false;  // the disk knows the snapshot, and this object
};

}  // namespace weft
