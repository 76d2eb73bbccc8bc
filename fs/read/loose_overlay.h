// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "indexer/core/error.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <span>

namespace weft::fs {

/// Fills `out` from `offset` on: loose blocks from memory, the rest from the image. Errors are
/// those of LocalImage::read. Blocks on disk I/O.
[[nodiscard]] Result<void> read_with_loose(LocalImage& image,
                                           std::span<const fetcher::LooseBlock> loose,
                                           ByteOffset offset, std::span<std::byte> out);

/// The same, as what lies below a disk.
class LooseBelow final : public BlocksBelow {
 public:
  LooseBelow(LocalImage& image, std::span<const fetcher::LooseBlock> loose)
      : image_(image), loose_(loose) {}
  Result<void> read(ByteOffset offset, std::span<std::byte> out) const override {
    return read_with_loose(image_, loose_, offset, out);
  }

 private:
  LocalImage& image_;
  const std::span<const fetcher::LooseBlock> loose_;
};

}  // namespace weft::fs
