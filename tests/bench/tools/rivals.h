// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

/// What others need for the same transfer, on the same files. All functions throw
/// std::runtime_error with the program's own words if it fails.
namespace weft::bench {

/// Bytes over TCP in both directions for `rsync -z` to bring `file` to a place where a copy of
/// `basis` lies under its name: delta transfer with rsync's own choices of block size and
/// compression, from a daemon, without --inplace (which can use less of the basis). `scratch` is an
/// empty directory on a file system with room for two copies.
[[nodiscard]] std::uint64_t rsync_bytes(const std::filesystem::path& file,
                                        const std::filesystem::path& basis,
                                        const std::filesystem::path& scratch);

/// An image as casync stores it: an index, and its chunks compressed.
struct CasyncImage {
  std::uint64_t index_bytes = 0;
  std::map<std::string, std::uint64_t> chunks;  ///< size of each, by name
};

/// `chunk_size`: what casync's --chunk-size takes; empty for its default (64 KiB on average).
[[nodiscard]] CasyncImage casync_image(const std::filesystem::path& file,
                                       const std::string& chunk_size,
                                       const std::filesystem::path& scratch);

/// The index, and the chunks that none of `local` has; without what HTTP would add.
[[nodiscard]] std::uint64_t casync_bytes(const CasyncImage& image,
                                         std::span<const CasyncImage* const> local);

}  // namespace weft::bench
