// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>

/// Strong integer types. A block index cannot be passed where a byte offset is meant; construction
/// and `value()` are explicit both ways. Positions (`BlockIndex`, `ByteOffset`) and amounts
/// (`BlockCount`, `ByteCount`) are different types: position − position = amount.
namespace weft {

/// Unit of identity, deduplication, residency and verification, in bytes.
inline constexpr std::uint64_t block_size = 4096;

/// An amount: may be added, subtracted, scaled.
template <class Tag>
class Amount {
 public:
  constexpr Amount() = default;
  constexpr explicit Amount(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }

  constexpr Amount& operator+=(Amount other) { return value_ += other.value_, *this; }
  constexpr Amount& operator-=(Amount other) { return value_ -= other.value_, *this; }
  friend constexpr Amount operator+(Amount a, Amount b) { return a += b; }
  friend constexpr Amount operator-(Amount a, Amount b) { return a -= b; }
  friend constexpr Amount operator*(Amount a, std::uint64_t n) { return Amount(a.value_ * n); }
  friend constexpr auto operator<=>(Amount, Amount) = default;

 private:
  std::uint64_t value_ = 0;
};

/// A position: moved by its amount.
template <class Tag, class Diff>
class Position {
 public:
  constexpr Position() = default;
  constexpr explicit Position(std::uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }

  constexpr Position& operator++() { return ++value_, *this; }
  constexpr Position& operator+=(Diff d) { return value_ += d.value(), *this; }
  friend constexpr Position operator+(Position p, Diff d) { return p += d; }
  friend constexpr Position operator-(Position p, Diff d) { return Position(p.value_ - d.value()); }
  friend constexpr Diff operator-(Position a, Position b) { return Diff(a.value_ - b.value_); }
  friend constexpr auto operator<=>(Position, Position) = default;

 private:
  std::uint64_t value_ = 0;
};

using BlockCount = Amount<struct BlockCountTag>;
using ByteCount = Amount<struct ByteCountTag>;
using BlockIndex = Position<struct BlockIndexTag, BlockCount>;
using ByteOffset = Position<struct ByteOffsetTag, ByteCount>;

/// Offset of block `b` in a pack, and in the image.
[[nodiscard]] constexpr ByteOffset offset_of(BlockIndex b) {
  return ByteOffset(b.value() * block_size);
}
[[nodiscard]] constexpr BlockIndex block_of(ByteOffset o) {
  return BlockIndex(o.value() / block_size);
}
[[nodiscard]] constexpr ByteCount bytes_of(BlockCount n) {
  return ByteCount(n.value() * block_size);
}
/// Blocks needed to hold `size` bytes: the last one may be partly padding.
[[nodiscard]] constexpr BlockCount blocks_for(ByteCount size) {
  return BlockCount(size.value() / block_size + (size.value() % block_size != 0 ? 1 : 0));
}

/// Largest image accepted: 64 TiB. Bounds every size that comes from outside.
inline constexpr ByteCount max_image_size{std::uint64_t{64} << 40};

}  // namespace weft

template <class Tag>
struct std::hash<weft::Amount<Tag>> {
  std::size_t operator()(weft::Amount<Tag> a) const noexcept {
    return std::hash<std::uint64_t>{}(a.value());
  }
};
template <class Tag, class Diff>
struct std::hash<weft::Position<Tag, Diff>> {
  std::size_t operator()(weft::Position<Tag, Diff> p) const noexcept {
    return std::hash<std::uint64_t>{}(p.value());
  }
};
