// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"

#include <cstdint>
#include <memory>
#include <span>

namespace weft {

/// XXH3-64 of each block of an image: a sparse array of 8 bytes a block, little-endian. 0 says "not
/// known" (and is what a hole reads as): the block is then compared with its digest instead.
///
/// A wrong sum is harmless: the block that seems damaged is compared with its digest before it is
/// given up. So the file needs no checks of its own and is written without any order but one: sums
/// are durable before the residency bits that rely on them, lest every block be hashed again.
///
/// *Rationale:* read with pread, not through a mapping. Sums are read once per run of blocks, not
/// per block, and a bad sector under a mapping would kill the process instead of failing one read.
///
/// Thread-safe.
class SumsFile {
 public:
  explicit SumsFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  /// Sums of consecutive blocks. What cannot be read counts as not known.
  void load(BlockIndex first, std::span<std::uint64_t> out);
  [[nodiscard]] Result<void> store(BlockIndex first, std::span<const std::uint64_t> sums);
  /// The sums are not known any more and take no space.
  [[nodiscard]] Result<void> forget(BlockRange blocks);
  [[nodiscard]] Result<void> sync() { return file_->sync(); }
  [[nodiscard]] File& file() { return *file_; }

 private:
  std::unique_ptr<File> file_;
};

}  // namespace weft
