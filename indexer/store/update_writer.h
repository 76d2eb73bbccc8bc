// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/image_writer.h"
#include "indexer/tree/image_id.h"

#include <bitset>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace weft {

struct UpdateTarget {
  std::string name;              ///< of the image that is updated
  ByteCount size;                ///< of the file as it is now
  std::optional<PackKind> kind;  ///< nullopt: in place if the old image is, else own
  std::filesystem::path source;  ///< absolute path of the file
  bool take_over = true;         ///< false: nothing is taken from the old image; all is hashed
};

struct UpdateResult {
  ImageInfo info;             ///< of the image that the name points to now
  bool changed = false;       ///< false: size and content are those of the old image
  BlockCount changed_blocks;  ///< blocks whose digest differs from the old image's
};

/// An image being indexed again: what the file is now, taken over from the old image where it did
/// not change. XXH3 is trusted here, and only here, as a change detector of the admin's own file.
///
/// Invisible until `publish`; destroying it before leaves the old state. The old image counts as in
/// use meanwhile. `take_unchanged` and `put` may be called from several threads at once for
/// different pieces (a piece ends at a multiple of `piece_blocks`), `put_zero` and `publish` from
/// one. Every block below `size` is told once: by `put_zero`, or by `take_unchanged` and, if that
/// does not take it, by `put`.
class UpdateWriter {
 public:
  static constexpr std::uint64_t piece_blocks = 128;
  using Mask = std::bitset<piece_blocks>;

  virtual ~UpdateWriter() = default;
  [[nodiscard]] virtual const ImageInfo& old_image() const noexcept = 0;
  [[nodiscard]] virtual PackKind kind() const noexcept = 0;
  /// For PackKind::reflink: shares all of the file, before anything else is told.
  [[nodiscard]] virtual Result<void> clone(File& source) = 0;

  /// Takes over those of consecutive blocks, of one piece, that have the XXH3 sum they had in the
  /// old image, or are zero as they were. Returns the others: they are to be hashed and put.
  [[nodiscard]] virtual Result<Mask> take_unchanged(BlockIndex first,
                                                    std::span<const std::byte> bytes) = 0;
  /// Consecutive blocks of one piece with their digests; `bytes` is digests.size() × 4096 long.
  [[nodiscard]] virtual Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                                         std::span<const Digest> digests) = 0;
  /// These are zero now: a hole of the file.
  [[nodiscard]] virtual Result<void> put_zero(BlockRange blocks) = 0;

  /// Builds the tree, makes everything durable, then moves the name in one transaction. What the
  /// old image has for nobody any more is given back, if nobody holds it: else it stays without a
  /// name until `Store::collect_unnamed`. An image of the new content that is here already is
  /// completed and gets the name. If nothing changed, nothing is done.
  /// Errc::unknown_image, name_taken: the name was removed, or moved, meanwhile. not_resident: the
  /// old image turned out to be damaged where something was to be taken over.
  [[nodiscard]] virtual Result<UpdateResult> publish() = 0;
};

/// Calls `f(first, count)` → Result<void> for each run of set bits, in order.
template <class F>
Result<void> each_run(const UpdateWriter::Mask& mask, F f) {
  for (std::size_t at = 0; at < mask.size(); ++at) {
    if (!mask[at]) continue;
    std::size_t end = at + 1;
    while (end < mask.size() && mask[end])
      ++end;
    WEFT_CHECK(f(at, end - at));
    at = end;
  }
  return {};
}

}  // namespace weft
