// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/hash.h"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

/// Little-endian fields of the store's files.
namespace weft::layout {

template <std::unsigned_integral T>
[[nodiscard]] T get(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.subspan(at, sizeof(T)).data(), sizeof(T));
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  return value;
}

template <std::unsigned_integral T>
void put(std::span<std::byte> bytes, std::size_t at, T value) {
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  std::memcpy(bytes.subspan(at, sizeof(T)).data(), &value, sizeof(T));
}

/// The last 8 bytes of a header or record hold the XXH3 of those before.
inline void seal(std::span<std::byte> record) {
  put<std::uint64_t>(record, record.size() - 8, xxh3(record.first(record.size() - 8)));
}
[[nodiscard]] inline bool is_sealed(std::span<const std::byte> record) {
  return get<std::uint64_t>(record, record.size() - 8) == xxh3(record.first(record.size() - 8));
}

}  // namespace weft::layout
