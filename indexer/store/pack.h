// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/file_io.h"
#include "indexer/store/lending.h"
#include "indexer/store/residency_map.h"

#include <cstddef>
#include <memory>
#include <span>

namespace weft {

/// The files that hold an image's bytes, with the map that says which blocks are in them: the own
/// pack and, for an image imported in place, the admin's file. The admin's file is never written:
/// blocks of it that are fetched again land in the own pack. Thread-safe.
class Pack final : public Lender {
 public:
  /// `source` is null unless the image is in place and its file can be read.
  Pack(const ImageId& id, BlockCount blocks, std::unique_ptr<File> own,
       std::unique_ptr<File> source)
      : map(blocks), id_(id), own_(std::move(own)), source_(std::move(source)) {}

  const ImageId& lender_id() const noexcept override { return id_; }
  Result<void> read_lent(BlockIndex first, std::span<std::byte> out) override;

  /// Whole blocks from the file of `place`, which is `own` or `source`. Where the file ends early
  /// the rest is zeros: the caller compares. std::errc::io_error and the like: none of `out`
  /// counts.
  [[nodiscard]] Result<void> read_blocks(Place place, BlockIndex first, std::span<std::byte> out);

  [[nodiscard]] File& own() { return *own_; }
  [[nodiscard]] File* source() { return source_.get(); }

  ResidencyMap map;

 private:
  const ImageId id_;
  const std::unique_ptr<File> own_;
  const std::unique_ptr<File> source_;
};

}  // namespace weft
