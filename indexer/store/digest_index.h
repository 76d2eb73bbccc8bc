// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"
#include "indexer/store/image_paths.h"
#include "indexer/tree/tree_file.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weft {

/// Which block of one complete image has a digest: the `index` file, entries of (first 8 bytes of
/// the digest, block) sorted by the former, in pages of 4 KiB. The first key of each page stands in
/// memory (8 bytes per MiB of image), so that a lookup reads one page.
///
/// Only a hint: who uses an answer compares the digest that the image's tree gives the block.
/// *Rationale:* pread instead of a mapping, for the reason given in sums_file.h.
/// Immutable, thread-safe.
class DigestIndex {
 public:
  static constexpr std::size_t entry_size = 16;
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t page_entries = page_size / entry_size;

  /// Errc::damaged_state for a file that is not the index of `image`, newer_state.
  [[nodiscard]] static Result<std::unique_ptr<DigestIndex>> open(std::unique_ptr<File> file,
                                                                 const ImageId& image);
  /// A block with this digest; of several, any.
  [[nodiscard]] Result<std::optional<BlockIndex>> find(const Digest& digest) const;
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  [[nodiscard]] File& file() const noexcept { return *file_; }

 private:
  DigestIndex(std::unique_ptr<File> file, std::uint64_t entries, std::vector<std::uint64_t> fences)
      : file_(std::move(file)), entries_(entries), fences_(std::move(fences)) {}

  const std::unique_ptr<File> file_;
  const std::uint64_t entries_;
  const std::vector<std::uint64_t> fences_;  // first key of each page
};

/// Makes the index of an image whose tree is whole, beside its place, and renames it there; durable
/// when it returns. Takes `memory` bytes at most and reads the leaves as often as that asks for.
[[nodiscard]] Result<void> write_digest_index(FileSystem& fs, const ImagePaths& paths,
                                              const ImageId& image, TreeFile& tree,
                                              ByteCount memory = ByteCount(64u << 20));

}  // namespace weft
