// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft {

/// Fixed-size identifier of `N` bytes. `Tag` keeps the kinds apart. Value type, comparable,
/// hashable (its bytes are already uniformly distributed), printed as lower-case hex.
template <class Tag, std::size_t N>
struct ByteId {
  static constexpr std::size_t size = N;
  std::array<std::uint8_t, N> bytes{};

  [[nodiscard]] bool is_zero() const { return *this == ByteId{}; }
  [[nodiscard]] std::span<const std::byte, N> view() const {
    return std::as_bytes(std::span<const std::uint8_t, N>(bytes));
  }
  [[nodiscard]] static ByteId from(std::span<const std::byte, N> raw) {
    ByteId id;
    std::memcpy(id.bytes.data(), raw.data(), N);
    return id;
  }
  friend constexpr auto operator<=>(const ByteId&, const ByteId&) = default;
};

/// SHA-256 of a block or of a tree node. The all-zero block has the all-zero digest.
using Digest = ByteId<struct DigestTag, 32>;
/// SHA-256 over (format tag, size, tree root): see indexer/tree/image_id.h.
using ImageId = ByteId<struct ImageIdTag, 32>;
/// Random identity of a node, made once per state directory.
using NodeId = ByteId<struct NodeIdTag, 16>;

/// The first 8 bytes of a digest as a big-endian number, so that keys sort as digests do. What
/// indexes, signatures and have queries go by.
using DigestKey = std::uint64_t;
[[nodiscard]] inline DigestKey digest_key(const Digest& digest) noexcept {
  DigestKey key;
  std::memcpy(&key, digest.bytes.data(), sizeof key);
  return std::endian::native == std::endian::little ? std::byteswap(key) : key;
}

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
/// Fills `out` from exactly 2 × out.size() hex digits; false and `out` unspecified otherwise.
[[nodiscard]] bool from_hex(std::string_view hex, std::span<std::byte> out);

template <class Tag, std::size_t N>
[[nodiscard]] std::string to_hex(const ByteId<Tag, N>& id) {
  return to_hex(std::span<const std::byte>(id.view()));
}

/// `Id` is one of the aliases above.
template <class Id>
[[nodiscard]] std::optional<Id> parse_hex(std::string_view hex) {
  Id id;
  if (!from_hex(hex, std::as_writable_bytes(std::span(id.bytes)))) return std::nullopt;
  return id;
}

}  // namespace weft

template <class Tag, std::size_t N>
struct std::hash<weft::ByteId<Tag, N>> {
  std::size_t operator()(const weft::ByteId<Tag, N>& id) const noexcept {
    static_assert(N >= sizeof(std::size_t));
    std::size_t h = 0;
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
