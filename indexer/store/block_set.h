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

/// A set of an image's blocks that many threads read and change at once without a lock.
///
/// Bits stand in chunks of 32768 blocks (128 MiB of image). A chunk that holds none or all of its
/// blocks is a pointer to a shared constant, so that memory grows with what is *partly* there: an
/// empty or full 10 TiB image takes 640 KiB, and entering a huge range costs a pointer a chunk.
///
/// Reading is wait-free. A chunk that once got its own memory keeps it until the set is destroyed:
/// readers can hold no stale pointer. `insert` and `erase` publish with release order, reads
/// acquire: who sees a bit sees what was done before it was set.
class BlockSet {
 public:
  static constexpr std::uint64_t chunk_blocks = 32768;
  static constexpr std::size_t chunk_words = chunk_blocks / 64;
  using Words = std::array<std::uint64_t, chunk_words>;
  enum class Kind : std::uint8_t { none = 0, all = 1, mixed = 2 };

  explicit BlockSet(BlockCount blocks);
  ~BlockSet();
  BlockSet(const BlockSet&) = delete;
  BlockSet& operator=(const BlockSet&) = delete;

  /// Both return how many blocks changed, exactly, also when several threads race. `range` lies
  /// within the image.
  BlockCount insert(BlockRange range);
  BlockCount erase(BlockRange range);
  /// Adds the blocks whose bits are set; bits past the image's end are ignored.
  BlockCount insert_words(std::uint64_t chunk, const Words& words);

  [[nodiscard]] bool contains(BlockIndex block) const noexcept;
  [[nodiscard]] bool contains_all(BlockRange range) const noexcept;
  /// First block of `range` that is in the set.
  [[nodiscard]] std::optional<BlockIndex> next(BlockRange range) const noexcept;
  [[nodiscard]] BlockCount count() const noexcept {
    return BlockCount(count_.load(std::memory_order_acquire));
  }
  [[nodiscard]] BlockCount blocks() const noexcept { return BlockCount(blocks_); }

  /// Bits of the blocks 64 × index …; those past the image's end are unspecified.
  [[nodiscard]] std::uint64_t word(std::uint64_t index) const noexcept {
    return chunk(index / chunk_words)->words[index % chunk_words].load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }
  /// `mixed` says only that the chunk has memory of its own.
  [[nodiscard]] Kind kind(std::uint64_t chunk) const noexcept;
  /// Copies a chunk's bits; `none` and `all` are recognised by content, too. Bits past the image's
  /// end are zero.
  [[nodiscard]] Kind copy_chunk(std::uint64_t chunk, Words& out) const noexcept;
  /// Blocks of a chunk: fewer than `chunk_blocks` in the last one.
  [[nodiscard]] BlockRange range_of_chunk(std::uint64_t chunk) const noexcept;

 private:
  struct Chunk {
    std::array<std::atomic<std::uint64_t>, chunk_words> words;
  };
  static const Chunk none_;
  static const Chunk all_;

  [[nodiscard]] const Chunk* chunk(std::uint64_t index) const noexcept {
    return slots_[index].load(std::memory_order_acquire);
  }
  template <bool insert>
  std::uint64_t change(BlockRange range);
  template <bool insert>
  std::uint64_t change_in_chunk(std::uint64_t index, BlockRange range);
  [[nodiscard]] static bool is_shared(const Chunk* c) noexcept { return c == &none_ || c == &all_; }

  std::uint64_t blocks_;
  std::uint64_t chunks_;
  std::unique_ptr<std::atomic<const Chunk*>[]> slots_;
  std::atomic<std::uint64_t> count_{0};
};

/// Calls `f(word index, mask)` for the words of `range` in order, until `f` returns false.
template <class F>
bool each_word(BlockRange range, F&& f) {
  if (range.empty()) return true;
  const std::uint64_t first = range.first.value();
  const std::uint64_t last = range.end().value() - 1;
  for (std::uint64_t w = first / 64; w <= last / 64; ++w) {
    std::uint64_t mask = ~std::uint64_t{0};
    if (w == first / 64) mask &= ~std::uint64_t{0} << (first % 64);
    if (w == last / 64) mask &= ~std::uint64_t{0} >> (63 - last % 64);
    if (!f(w, mask)) return false;
  }
  return true;
}

}  // namespace weft
