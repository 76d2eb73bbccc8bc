// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// A bounded memory of 64-bit values by 64-bit keys that are uniformly distributed, such as the
/// first bytes of digests. Grows to about a million entries (16 MiB), then a new entry takes the
/// place of an old one of its bucket. So an answer may be missing, but is never that of another
/// key. Values are not 0. Pure, a value type.
class KeyMemory {
 public:
  static constexpr std::size_t most_entries = std::size_t{1} << 20U;

  [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t key) const;
  void put(std::uint64_t key, std::uint64_t value);
  void clear();
  /// Places for entries, used or not.
  [[nodiscard]] std::size_t capacity() const { return buckets_.size() * ways; }

 private:
  static constexpr std::size_t ways = 4;
  struct Entry {
    std::uint64_t key = 0;
    std::uint64_t value = 0;  // 0: free
  };
  using Bucket = std::array<Entry, ways>;

  /// Newest first.
  static void push(Bucket& bucket, Entry entry);
  [[nodiscard]] Bucket& bucket(std::uint64_t key);
  void grow();

  std::vector<Bucket> buckets_;  // a power of two, or none
};

}  // namespace weft::fetcher
