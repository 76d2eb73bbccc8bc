// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/map_codec.h"

#include "indexer/core/hash.h"
#include "indexer/store/bytes.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::uint64_t magic = 0x3150'414d'5446'4557;  // "WEFTMAP1", little-endian
constexpr std::uint32_t flag_clean = 1;
constexpr std::uint32_t flag_complete = 2;
constexpr std::uint32_t flag_full = 4;
constexpr std::uint64_t page = 4096;

}  // namespace

std::array<std::byte, MapHeader::size> MapHeader::encode() const {
  std::array<std::byte, size> out{};
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  layout::put<std::uint32_t>(
      out, 12, (clean ? flag_clean : 0) | (complete ? flag_complete : 0) | (full ? flag_full : 0));
  std::ranges::copy(image.view(), out.begin() + 16);
  layout::put(out, 48, blocks.value());
  layout::put(out, 56, implied_zero.value());
  layout::seal(out);
  return out;
}

Result<MapHeader> MapHeader::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < size || layout::get<std::uint64_t>(bytes, 0) != magic) {
    return fail(Errc::damaged_state, Operation::decode, "map file: no header");
  }
  bytes = bytes.first(size);
  if (layout::get<std::uint32_t>(bytes, 8) > version) {
    return fail(Errc::newer_state, Operation::decode, "map file of a newer weft");
  }
  if (!layout::is_sealed(bytes)) {
    return fail(Errc::damaged_state, Operation::decode, "map file: header fails its sum");
  }
  const auto flags = layout::get<std::uint32_t>(bytes, 12);
  MapHeader h;
  h.image = ImageId::from(bytes.subspan<16, 32>());
  h.blocks = BlockCount(layout::get<std::uint64_t>(bytes, 48));
  h.clean = (flags & flag_clean) != 0;
  h.complete = (flags & flag_complete) != 0;
  h.full = (flags & flag_full) != 0;
  h.implied_zero = BlockCount(layout::get<std::uint64_t>(bytes, 56));
  return h;
}

std::array<std::byte, MapEntry::size> MapEntry::encode() const {
  std::array<std::byte, size> out{};
  layout::put<std::uint32_t>(out, 0, static_cast<std::uint32_t>(kind));
  layout::put(out, 8, sum);
  return out;
}

MapEntry MapEntry::decode(std::span<const std::byte> bytes) {
  const auto kind = layout::get<std::uint32_t>(bytes, 0);
  if (kind > static_cast<std::uint32_t>(BlockSet::Kind::mixed)) return {};
  return {static_cast<BlockSet::Kind>(kind), layout::get<std::uint64_t>(bytes, 8)};
}

std::uint64_t map_entry_sum(const ImageId& image, MapPlane plane, std::uint64_t chunk,
                            BlockSet::Kind kind, const BlockSet::Words* bits) {
  std::array<std::byte, 56> head{};
  std::ranges::copy(image.view(), head.begin());
  layout::put<std::uint32_t>(head, 32, static_cast<std::uint32_t>(plane));
  layout::put<std::uint32_t>(head, 36, static_cast<std::uint32_t>(kind));
  layout::put(head, 40, chunk);
  if (kind == BlockSet::Kind::mixed) layout::put(head, 48, xxh3(std::as_bytes(std::span(*bits))));
  return xxh3(head);
}

MapLayout::MapLayout(BlockCount blocks)
    : chunks((blocks.value() + BlockSet::chunk_blocks - 1) / BlockSet::chunk_blocks) {}

ByteCount MapLayout::table_size() const {
  return ByteCount((chunks * MapEntry::size + page - 1) / page * page);
}

ByteOffset MapLayout::entry(MapPlane plane, std::uint64_t chunk) const {
  return ByteOffset(page + static_cast<std::uint64_t>(plane) * table_size().value() +
                    chunk * MapEntry::size);
}

ByteOffset MapLayout::bits(MapPlane plane, std::uint64_t chunk) const {
  return ByteOffset(page + map_planes * table_size().value() +
                    (chunk * map_planes + static_cast<std::uint64_t>(plane)) * page);
}

ByteCount MapLayout::file_size() const {
  return ByteCount(bits(MapPlane::own, chunks).value());
}

}  // namespace weft
