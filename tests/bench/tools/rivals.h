// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

/// What others need for the same transfer, on the same files.
namespace weft::bench {

/// An image as casync stores it: an index, and its chunks compressed.
struct CasyncImage {
  std::uint64_t index_bytes = 0;
  std::map<std::string, std::uint64_t> chunks;  ///< size of each, by name
};

/// The index, and the chunks that none of `local` has; without what HTTP would add.
[[nodiscard]] std::uint64_t casync_bytes(const CasyncImage& image,
                                         std::span<const CasyncImage* const> local);

/// Runs the other programs. They take minutes and their figures do not change with weft: with a
/// directory `keep`, a figure for the same files (path, size, time of change) is read from there.
/// All functions throw std::runtime_error with the program's own words if it fails.
class Rivals {
 public:
  /// `scratch` is on a file system with room for two images; `keep` may be empty.
  Rivals(std::filesystem::path keep, std::filesystem::path scratch);

  /// Bytes over TCP in both directions for `rsync -z` to bring `file` to a place where a copy of
  /// `basis` lies under its name: delta transfer with rsync's own choices of block size and
  /// compression, from a daemon, without --inplace (which can use less of the basis).
  [[nodiscard]] std::uint64_t rsync_bytes(const std::filesystem::path& file,
                                          const std::filesystem::path& basis) const;

  /// `chunk_size`: what casync's --chunk-size takes; empty for its default (64 KiB on average).
  [[nodiscard]] CasyncImage casync_image(const std::filesystem::path& file,
                                         const std::string& chunk_size) const;

 private:
  [[nodiscard]] std::filesystem::path kept(const std::string& what) const;

  std::filesystem::path keep_;
  std::filesystem::path scratch_;
};

}  // namespace weft::bench
