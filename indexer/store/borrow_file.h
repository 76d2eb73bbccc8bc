// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/store/borrow_codec.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weft {

/// The borrow map on disk: records that are only ever appended. What a record says is checked
/// against the tree when the block is read, so a record may be on disk before anything else is.
///
/// Not thread-safe: its owner locks.
class BorrowFile {
 public:
  /// A new file if it is empty or its header is damaged: what was borrowed is looked up or fetched
  /// again. Errc::newer_state.
  [[nodiscard]] static Result<BorrowFile> open(std::unique_ptr<File> file, const ImageId& image);

  /// Records in the file, good or not.
  [[nodiscard]] std::uint64_t records() const;
  static constexpr std::uint64_t batch = 1024;
  /// The good ones of `batch` records from the `first` on, oldest first, if the image has so many
  /// blocks. *Rationale:* there may be millions, which must not be in memory at once.
  [[nodiscard]] Result<std::vector<BorrowRecord>> read(std::uint64_t first,
                                                       BlockCount image_blocks) const;

  /// After a failure nothing of `records` counts, and the next append writes over what is there.
  [[nodiscard]] Result<void> append(std::span<const BorrowRecord> records);
  [[nodiscard]] Result<void> sync() { return file_->sync(); }
  [[nodiscard]] File& file() { return *file_; }

 private:
  BorrowFile(std::unique_ptr<File> file, ByteOffset end) : file_(std::move(file)), end_(end) {}
  std::unique_ptr<File> file_;
  ByteOffset end_;
};

}  // namespace weft
