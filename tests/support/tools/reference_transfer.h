// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

/// What the bytes of a transfer are measured against: what a receiver that holds some images must
/// be sent at the least if nobody knows the blocks it lacks. Computed from the files alone, by code
/// that shares nothing with the transfer: OpenSSL and zstd, nothing of the project.
namespace weft::testing {

/// The data blocks of a raw image file, by content.
struct ImageContent {
  std::filesystem::path file;
  std::vector<Digest> blocks;         ///< of each data block, in image order; zero blocks left out
  std::vector<std::uint64_t> offset;  ///< of each of `blocks` in the file
  std::vector<Digest> unique;         ///< the distinct ones, ascending
};

/// Reads the file's data extents. Throws std::runtime_error if it cannot.
[[nodiscard]] ImageContent content_of(const std::filesystem::path& file);

/// Distinct blocks that both images have.
[[nodiscard]] std::size_t shared_blocks(const ImageContent& a, const ImageContent& b);

struct ReferenceTransfer {
  std::uint64_t blocks = 0;  ///< distinct blocks of the target that no local image has
  std::uint64_t packed = 0;  ///< bytes of these in zstd frames

  static constexpr std::uint64_t bytes_per_block = 32;  ///< a digest for each
  static constexpr std::size_t blocks_per_frame = 32;   ///< 128 KiB of content
  static constexpr int level = 3;
  [[nodiscard]] std::uint64_t bytes() const { return packed + blocks * bytes_per_block; }
};

/// The missing blocks in image order, each where it occurs first, a zstd frame for every 32 of
/// them. Throws std::runtime_error if the file cannot be read any more.
[[nodiscard]] ReferenceTransfer reference_transfer(const ImageContent& target,
                                                   std::span<const ImageContent* const> local);

/// Bytes of the whole file, holes as zeros, in one zstd frame of the same level.
[[nodiscard]] std::uint64_t whole_copy(const std::filesystem::path& file);

}  // namespace weft::testing
