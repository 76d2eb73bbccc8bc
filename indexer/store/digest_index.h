// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace weft {

struct Signature;

/// Which blocks of one image have a digest: the `index` file, entries of (key of the digest, block)
/// sorted by both, in pages of 4 KiB. It covers the tree as far as it was here when the index was
/// made, whether blocks are readable or not: that is the residency map's to say, at the moment of
/// asking. Of the whole tree, the keys are the image's full signature, and their head a sampled
/// one.
///
/// The first key of each page stands in memory (8 bytes per MiB of image), so that a lookup reads
/// one page and a merge with a sorted list reads each page that the list falls into once.
///
/// Only a hint: who uses an answer compares the digest that the image's tree gives the block.
/// *Rationale:* pread instead of a mapping, for the reason given in sums_file.h.
/// Immutable, thread-safe.
class DigestIndex {
 public:
  static constexpr std::size_t entry_size = 16;
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t page_entries = page_size / entry_size;
  /// Of more blocks with the same content only the first so many are entered: a lookup looks at
  /// them all, and one that is readable is enough.
  static constexpr std::size_t entries_a_key = 64;

  /// Errc::damaged_state for a file that is not the index of `image`, or of an older version;
  /// newer_state.
  [[nodiscard]] static Result<std::shared_ptr<const DigestIndex>> open(std::unique_ptr<File> file,
                                                                       const ImageId& image);

  /// visit(position in `keys`, block) for every entry whose key, without its lowest `drop_bits`, is
  /// the wanted one. `keys` ascend, equal ones allowed; `drop_bits` is below 64.
  using Visit = std::function<void(std::size_t, BlockIndex)>;
  [[nodiscard]] Result<void> match(std::span<const DigestKey> keys, unsigned drop_bits,
                                   const Visit& visit) const;

  /// The signature at the lowest shift that leaves at most `max_keys` keys. `is_whole` must be
  /// true. Reads about as many entries as it returns.
  [[nodiscard]] Result<Signature> signature(std::size_t max_keys) const;

  /// It covers the whole tree, and is the image's signature.
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  /// Data blocks of the tree that was here, each counted, also those that are not entered.
  [[nodiscard]] BlockCount covered() const noexcept { return covered_; }
  [[nodiscard]] File& file() const noexcept { return *file_; }

 private:
  friend class DigestIndexPages;
  DigestIndex(std::unique_ptr<File> file, const ImageId& image)
      : file_(std::move(file)), image_(image) {}
  [[nodiscard]] Result<void> load();
  [[nodiscard]] std::uint64_t pages() const noexcept { return fences_.size(); }
  [[nodiscard]] std::uint64_t first_page(DigestKey key) const;
  [[nodiscard]] Result<std::vector<DigestKey>> keys_up_to(DigestKey last) const;

  const std::unique_ptr<File> file_;
  const ImageId image_;
  // Constant after load().
  bool whole_ = false;
  std::uint64_t entries_ = 0;
  std::uint64_t distinct_ = 0;
  BlockCount covered_;
  std::vector<DigestKey> fences_;  // first key of each page
};

}  // namespace weft
