// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/layout.h"
#include "fetcher/schedule/range_set.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace weft::fetcher::layout {

/// Little-endian fields of a piece of a disk. Reading past its end is a bug of the caller.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint8_t u8(std::size_t at) const { return get<std::uint8_t>(at); }
  [[nodiscard]] std::uint16_t u16(std::size_t at) const { return get<std::uint16_t>(at); }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const { return get<std::uint32_t>(at); }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const { return get<std::uint64_t>(at); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> part(std::size_t at, std::size_t length) const {
    return bytes_.subspan(at, length);
  }

 private:
  template <class T>
  [[nodiscard]] T get(std::size_t at) const {
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(T); i > 0; --i)
      value = value << 8U | std::to_integer<std::uint64_t>(bytes_[at + i - 1]);
    return static_cast<T>(value);
  }
  std::span<const std::byte> bytes_;
};

/// The source with its bounds, and what was found. Everything goes through here, so that nothing
/// reads beyond the disk or more than the limits allow.
class DiskView {
 public:
  DiskView(ByteSource& source, std::uint64_t size, const LayoutLimits& limits)
      : source_(source), size_(size), limits_(limits) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const LayoutLimits& limits() const { return limits_; }
  /// Nullopt: beyond the disk, over the limit, or not here yet.
  [[nodiscard]] std::optional<std::vector<std::byte>> read(std::uint64_t offset,
                                                           std::uint64_t length);
  /// These bytes will be read, as far as they are on the disk.
  void found(Need need, std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] bool full() const { return findings_.total >= limits_.blocks; }
  [[nodiscard]] Findings take() && { return std::move(findings_); }

 private:
  ByteSource& source_;
  const std::uint64_t size_;
  const LayoutLimits& limits_;
  std::size_t reads_ = 0;
  RangeSet known_;
  Findings findings_;
};

/// `a × b`, or the largest number if that is more.
[[nodiscard]] constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return b != 0 && a > most / b ? most : a * b;
}
[[nodiscard]] constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return a > most - b ? most : a + b;
}

}  // namespace weft::fetcher::layout
