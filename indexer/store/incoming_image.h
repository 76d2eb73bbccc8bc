// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/store/image_paths.h"
#include "indexer/store/image_table.h"
#include "indexer/store/sums_file.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace weft {

/// An image that is being made: a directory in `incoming/` with the files that are written block by
/// block. At the end of its life the directory is deleted, unless the image was moved to its place
/// (`ImageTable::take_in`).
class IncomingImage {
 public:
  /// `size` is that of the image.
  [[nodiscard]] static Result<std::unique_ptr<IncomingImage>> create(
      std::shared_ptr<ImageTable> table, ByteCount size);
  IncomingImage(const IncomingImage&) = delete;
  IncomingImage& operator=(const IncomingImage&) = delete;
  ~IncomingImage();

  [[nodiscard]] const ImagePaths& paths() const noexcept { return paths_; }
  [[nodiscard]] File& pack() noexcept { return *pack_; }
  [[nodiscard]] File& tree() noexcept { return *tree_; }
  [[nodiscard]] SumsFile& sums() noexcept { return *sums_; }
  /// Makes these three durable.
  [[nodiscard]] Result<void> sync();

 private:
  IncomingImage(std::shared_ptr<ImageTable> table, ImagePaths paths);
  [[nodiscard]] Result<void> make_files(BlockCount blocks);

  const std::shared_ptr<ImageTable> table_;
  const ImagePaths paths_;
  std::unique_ptr<File> pack_;
  std::unique_ptr<File> tree_;
  std::optional<SumsFile> sums_;
};

/// Errc::empty_image, image_too_large: `source` cannot be an image.
[[nodiscard]] Result<void> check_image_size(ByteCount size, const std::filesystem::path& source);

}  // namespace weft
