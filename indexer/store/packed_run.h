// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"
#include "indexer/tree/tree_shape.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

/// What BorrowMap keeps of a run of borrowed blocks. Pure.
namespace weft {

class LenderSlot;

/// Consecutive blocks within one leaf, from `first` to `last` of it, that are consecutive in a
/// lender, too: 8 bytes.
struct PackedRun {
  static constexpr unsigned slot_bits = 7;
  static constexpr unsigned lender_bits = 16;
  static constexpr unsigned source_bits = 34;
  static_assert(2 * slot_bits + lender_bits + source_bits == 64);
  static_assert(tree_fanout == std::size_t{1} << slot_bits);
  static_assert(max_image_size.value() / block_size == std::uint64_t{1} << source_bits);

  std::uint64_t bits = 0;

  /// `source` is the first block's in the lender.
  [[nodiscard]] static constexpr PackedRun of(std::uint64_t first, std::uint64_t last,
                                              std::uint64_t lender, std::uint64_t source) {
    return {first | last << slot_bits | lender << (2 * slot_bits) |
            source << (2 * slot_bits + lender_bits)};
  }
  [[nodiscard]] constexpr std::uint64_t first() const { return bits & (tree_fanout - 1); }
  [[nodiscard]] constexpr std::uint64_t last() const {
    return bits >> slot_bits & (tree_fanout - 1);
  }
  [[nodiscard]] constexpr std::uint64_t lender() const {
    return bits >> (2 * slot_bits) & ((std::uint64_t{1} << lender_bits) - 1);
  }
  [[nodiscard]] constexpr std::uint64_t source() const {
    return bits >> (2 * slot_bits + lender_bits);
  }
  /// The part of it from `from` to `to`, both of it.
  [[nodiscard]] constexpr PackedRun cut(std::uint64_t from, std::uint64_t to) const {
    return of(from, to, lender(), source() + (from - first()));
  }
};

/// Numbers the lenders of one image as they come, up to a bound. A reader needs no lock for a
/// number that was published to it.
class LenderTable {
 public:
  static constexpr std::size_t capacity = std::size_t{1} << PackedRun::lender_bits;

  [[nodiscard]] LenderSlot* at(std::uint64_t number) const noexcept {
    return (*pages_[number / page_size])[number % page_size];
  }
  /// nullopt: the table is full.
  [[nodiscard]] std::optional<std::uint64_t> number_of(LenderSlot* lender);
  [[nodiscard]] std::size_t memory() const noexcept {
    return (numbers_.size() + page_size - 1) / page_size * sizeof(Page) +
           numbers_.size() * (sizeof(*numbers_.begin()) + 2 * sizeof(void*));
  }

 private:
  static constexpr std::size_t page_size = 256;
  using Page = std::array<LenderSlot*, page_size>;
  std::array<std::unique_ptr<Page>, capacity / page_size> pages_;
  std::unordered_map<LenderSlot*, std::uint64_t> numbers_;  // by the adding thread only
};

/// Where published lists of runs lie until all of them go. Nothing is given back alone, so that no
/// list costs more than its own bytes.
class RunArena {
 public:
  [[nodiscard]] PackedRun* take(std::size_t runs);
  [[nodiscard]] std::size_t memory() const noexcept { return memory_; }

 private:
  std::vector<std::unique_ptr<PackedRun[]>> chunks_;
  PackedRun* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t memory_ = 0;
};

}  // namespace weft
