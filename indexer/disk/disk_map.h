// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace weft {

/// Where a block of a disk is.
enum class DiskPlace : std::uint8_t {
  below = 0,    ///< never changed: in the image below
  written = 1,  ///< in the disk's pack
  zero = 2      ///< discarded or zeroed; its place in the pack says nothing
};

/// The place of every block of one disk, in memory: two bits a block in one word, so that a block
/// goes from one place to another in one step, and whoever copies words sees it in one of the two.
/// (Two sets of blocks would let a copy catch a block that left one and has not come to the other:
/// it would be "below", and show what was overwritten long ago.)
///
/// Words stand in chunks of 16128 blocks (63 MiB), as many as fit into a page on disk beside its
/// header. A chunk whose blocks are all below, or all zero, is a pointer to a shared constant.
///
/// Reading is wait-free. A *region* (256 blocks, 1 MiB) has words of its own; it is changed by one
/// thread at a time, which its owner sees to. Pure.
class DiskMap {
 public:
  static constexpr std::uint64_t word_blocks = 32;
  static constexpr std::size_t chunk_words = 504;
  static constexpr std::uint64_t chunk_blocks = chunk_words * word_blocks;
  static constexpr std::uint64_t region_blocks = 256;
  static_assert(chunk_blocks % region_blocks == 0);
  using Words = std::array<std::uint64_t, chunk_words>;

  explicit DiskMap(BlockCount blocks);
  ~DiskMap();
  DiskMap(const DiskMap&) = delete;
  DiskMap& operator=(const DiskMap&) = delete;

  [[nodiscard]] BlockCount blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }
  [[nodiscard]] static std::uint64_t chunk_of(BlockIndex b) { return b.value() / chunk_blocks; }

  [[nodiscard]] DiskPlace place(BlockIndex block) const noexcept;
  /// The longest run from `range.first` whose blocks are in one place. `range` is not empty.
  struct Run {
    DiskPlace place;
    BlockRange range;
  };
  [[nodiscard]] Run leading_run(BlockRange range) const noexcept;
  /// First run of blocks of `range` that are in `place`.
  [[nodiscard]] std::optional<BlockRange> next(BlockRange range, DiskPlace place) const noexcept;
  [[nodiscard]] bool all_in(BlockRange range, DiskPlace place) const noexcept;
  [[nodiscard]] BlockCount written() const noexcept {
    return BlockCount(written_.load(std::memory_order_relaxed));
  }

  /// `range` lies within the disk.
  void set(BlockRange range, DiskPlace place);

  /// All blocks of the chunk are below: nothing was ever told of it.
  [[nodiscard]] bool is_untouched(std::uint64_t chunk) const noexcept;
  void copy_chunk(std::uint64_t chunk, Words& out) const noexcept;
  /// As `copy_chunk` gave it. Bits of blocks past the end, and the impossible place 3, count as
  /// below.
  void load_chunk(std::uint64_t chunk, const Words& words);

 private:
  struct Chunk {
    explicit Chunk(std::uint64_t fill) {
      for (auto& word : words)
        word.store(fill, std::memory_order_relaxed);
    }
    std::array<std::atomic<std::uint64_t>, chunk_words> words;
  };
  static const Chunk all_below_;
  static const Chunk all_zero_;

  [[nodiscard]] const Chunk* chunk(std::uint64_t index) const noexcept {
    return slots_[index].load(std::memory_order_acquire);
  }
  [[nodiscard]] static bool is_shared(const Chunk* c) noexcept {
    return c == &all_below_ || c == &all_zero_;
  }
  [[nodiscard]] Chunk& own_chunk(std::uint64_t index);
  [[nodiscard]] BlockRange range_of(std::uint64_t chunk) const noexcept;
  void set_in_chunk(std::uint64_t index, BlockRange range, DiskPlace place);

  const BlockCount blocks_;
  const std::uint64_t chunks_;
  std::unique_ptr<std::atomic<const Chunk*>[]> slots_;
  std::atomic<std::uint64_t> written_{0};
};

}  // namespace weft
