// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/disk/disk_map.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

/// Bytes of a disk's `map` and `live` files (STORE_FORMAT.md, "Disks"). Pure.
namespace weft {

/// Made once for each disk, at random: a page of another disk is never taken for one of this.
using DiskSerial = std::array<std::byte, 16>;

inline constexpr std::size_t disk_page = 4096;

/// First page of `map`. Written when the disk is made, never again.
struct DiskHeader {
  static constexpr std::size_t size = 128;
  static constexpr std::uint32_t version = 1;

  DiskSerial serial{};
  ImageId base;
  ByteCount bytes;  ///< size of the disk
  friend bool operator==(const DiskHeader&, const DiskHeader&) = default;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// Errc::damaged_state; newer_state for a version this code does not know.
  [[nodiscard]] static Result<DiskHeader> decode(std::span<const std::byte> bytes);
};

/// One chunk of the map at one time. It is written to the one of its two pages that is older, so
/// that a torn write leaves the other.
struct DiskChunkPage {
  std::uint64_t chunk = 0;
  std::uint64_t sequence = 0;  ///< from 1 on; the page with the higher one holds
  DiskMap::Words words{};

  [[nodiscard]] std::array<std::byte, disk_page> encode(const DiskSerial& serial) const;
  /// nullopt: not a page of this disk and chunk, or torn.
  [[nodiscard]] static std::optional<DiskChunkPage> decode(std::span<const std::byte> page,
                                                           const DiskSerial& serial,
                                                           std::uint64_t chunk);
};

/// First page of `live`.
struct LiveHeader {
  static constexpr std::size_t size = 128;

  DiskSerial serial{};
  Digest boot;  ///< which boot of the machine the file belongs to
  BlockCount blocks;
  friend bool operator==(const LiveHeader&, const LiveHeader&) = default;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// nullopt: not one.
  [[nodiscard]] static std::optional<LiveHeader> decode(std::span<const std::byte> bytes);
};

/// Words as bytes, little-endian.
void encode_words(std::span<const std::uint64_t> words, std::span<std::byte> out);
void decode_words(std::span<const std::byte> bytes, std::span<std::uint64_t> out);

}  // namespace weft
