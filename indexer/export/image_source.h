// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/block_source.h"
#include "indexer/store/local_image.h"

#include <memory>
#include <utility>

namespace weft {

/// The content of a local image, every byte compared as its reads are. Thread-safe.
class ImageSource final : public BlockSource {
 public:
  explicit ImageSource(std::shared_ptr<LocalImage> image) : image_(std::move(image)) {}

  [[nodiscard]] ByteCount size() const override { return image_->info().size; }
  [[nodiscard]] Result<std::optional<Extent>> next_data(ByteOffset from) override;
  /// Errc::not_resident: a block is not here (any more).
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out) override {
    return image_->read(offset, out);
  }
  [[nodiscard]] Result<void> check_unchanged() override { return {}; }
  /// Shares the pack's extents.
  [[nodiscard]] Result<void> clone_into(File& file) override { return image_->clone_into(file); }

 private:
  const std::shared_ptr<LocalImage> image_;
};

}  // namespace weft
