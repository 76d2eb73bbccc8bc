// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/key_memory.h"
#include "indexer/core/range.h"
#include "indexer/tree/image_id.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Blocks with equal digests, among all that materializations want: one of them is fetched, the
/// others are its *twins* and brought in by a local copy when it has landed. Twins may be in one
/// image or in several that are fetched at the same time. Pure; I/O thread only.
///
/// The first of a key to be claimed is fetched. A later one waits for it while it is on its way, is
/// ready to be copied when it is here, and takes its place when it is neither. Keys are the first 8
/// bytes of digests: whether a copy is right, its digest says when it is committed.
///
/// Bounds: keys, see `KeyMemory` (beyond it a twin is fetched after all), and the ids of images
/// whose jobs have ended while others went on; twins that wait or are ready count as backlog of
/// their job, which claims no more above a limit.
/// *Rationale:* a demand read is never a twin. Who waits is not made to wait for another fetch
/// where that would be slower; it costs at most its own blocks twice.
class Twins {
 public:
  struct Place {
    ImageId image;
    BlockIndex block;
    friend bool operator==(const Place&, const Place&) = default;
  };
  enum class State { here, on_its_way, gone };
  /// What is of the first, for a twin that might wait for it.
  using Look = std::function<State(const Place& first, BlockIndex twin)>;
  struct Keyed {
    BlockIndex block;
    std::uint64_t key = 0;
  };
  struct Copy {
    Place from;
    BlockIndex to;
  };

  /// Of blocks about to be wanted, ascending: those to fetch. The others wait, or are ready.
  [[nodiscard]] std::vector<BlockRange> claim(const ImageId& image, std::span<const Keyed> blocks,
                                              const Look& look);
  /// Blocks are readable now: their twins are ready.
  void landed(const ImageId& image, std::span<const BlockRange> ranges);
  /// Twins of this image to copy now; they count as busy until `copied`.
  [[nodiscard]] std::vector<Copy> take_ready(const ImageId& image, std::size_t most);
  void put_back(const ImageId& image, std::vector<Copy> copies);
  /// Looks at what this image's twins wait for: becomes ready what is here; returned, to be fetched
  /// itself, is what waits for a block that will not come.
  [[nodiscard]] std::vector<BlockRange> review(const ImageId& image, const Look& look);
  /// Nothing of this image is waited for any more (its job ended). What others have in common with
  /// it is still known: who waits for its blocks, or will claim some, finds out what is of them.
  void forget(const ImageId& image);

  /// Twins that wait or are ready.
  [[nodiscard]] BlockCount pending(const ImageId& image) const;
  [[nodiscard]] std::size_t ready(const ImageId& image) const;

 private:
  struct Claimant {
    std::uint64_t number = 0;
    std::map<BlockIndex, std::uint64_t> waiting;  // twin → place of the first
    std::vector<Copy> ready;
  };
  [[nodiscard]] static std::uint64_t packed(std::uint64_t number, BlockIndex block);
  /// The image may be forgotten: nullptr.
  [[nodiscard]] const ImageId* image_of(std::uint64_t place) const;
  void release(std::uint64_t first);

  KeyMemory first_of_;
  std::map<ImageId, Claimant> claimants_;
  std::map<std::uint64_t, ImageId> numbers_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::vector<Place>> twins_of_;  // by place of the first
};

}  // namespace weft::fetcher
