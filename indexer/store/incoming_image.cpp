// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/incoming_image.h"

#include <utility>

namespace weft {

Result<std::unique_ptr<IncomingImage>> IncomingImage::create(std::shared_ptr<ImageTable> table,
                                                             ByteCount size) {
  WEFT_TRY(ImagePaths paths, table->directory().make_incoming());
  std::unique_ptr<IncomingImage> image(new IncomingImage(std::move(table), std::move(paths)));
  WEFT_CHECK(image->make_files(blocks_for(size)));
  return image;
}

IncomingImage::IncomingImage(std::shared_ptr<ImageTable> table, ImagePaths paths)
    : table_(std::move(table)), paths_(std::move(paths)) {}

IncomingImage::~IncomingImage() {
  // Nothing is there after a publish; what cannot be deleted goes when the store opens next.
  static_cast<void>(table_->directory().delete_incoming(paths_));
}

Result<void> IncomingImage::make_files(BlockCount blocks) {
  FileSystem& fs = table_->fs();
  WEFT_TRY(pack_, fs.open(paths_.pack, OpenMode::create_exclusive));
  WEFT_CHECK(pack_->truncate(bytes_of(blocks)));
  WEFT_TRY(tree_, fs.open(paths_.tree, OpenMode::create_exclusive));
  WEFT_TRY(auto sums, fs.open(paths_.sums, OpenMode::create_exclusive));
  sums_.emplace(std::move(sums));
  return {};
}

Result<void> IncomingImage::sync() {
  WEFT_CHECK(pack_->sync());
  WEFT_CHECK(tree_->sync());
  return sums_->sync();
}

Result<void> check_image_size(ByteCount size, const std::filesystem::path& source) {
  if (size == ByteCount(0)) return fail(Errc::empty_image, Operation::import, source.native());
  if (size > max_image_size) {
    return fail(Errc::image_too_large, Operation::import, source.native());
  }
  return {};
}

}  // namespace weft
