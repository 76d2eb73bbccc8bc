// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/map_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace weft {

Result<MapFile> MapFile::create(std::unique_ptr<File> file, const MapHeader& header) {
  MapFile map(std::move(file), header);
  WEFT_CHECK(map.file_->truncate(map.layout_.file_size()));
  WEFT_CHECK(map.write_header(header));
  return map;
}

Result<MapFile> MapFile::open(std::unique_ptr<File> file, const ImageId& image, BlockCount blocks) {
  std::array<std::byte, MapHeader::size> raw{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), raw));
  WEFT_TRY(const MapHeader header, MapHeader::decode(std::span(raw).first(got)));
  if (header.image != image || header.blocks != blocks) {
    return fail(Errc::damaged_state, Operation::open, "map file of another image");
  }
  return MapFile(std::move(file), header);
}

Result<bool> MapFile::load(ResidencyMap& map) {
  WEFT_TRY(const bool own, load_plane(MapPlane::own, map.own));
  WEFT_TRY(const bool zero, load_plane(MapPlane::zero, map.zero));
  return own && zero;
}

Result<bool> MapFile::load_plane(MapPlane plane, BlockSet& set) {
  constexpr std::uint64_t page = 4096;
  const ByteOffset begin = layout_.entry(plane, 0);
  const ByteOffset end = begin + ByteCount(layout_.chunks * MapEntry::size);
  bool intact = true;
  std::array<std::byte, page> entries;
  ByteOffset at = begin;
  while (at < end) {
    WEFT_TRY(const auto data, file_->next_data(at));
    if (!data) break;
    // Tables are page-aligned in the file, so that a page belongs to one plane.
    at = std::max(at, ByteOffset(data->offset.value() / page * page));
    if (at >= end) break;
    entries.fill(std::byte{0});
    WEFT_TRY([[maybe_unused]] const std::size_t got, file_->read_at(at, entries));
    const std::uint64_t first = (at - begin).value() / MapEntry::size;
    const std::uint64_t count = std::min(page / MapEntry::size, layout_.chunks - first);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto entry = MapEntry::decode(std::span(entries).subspan(i * MapEntry::size));
      if (entry.kind == BlockSet::Kind::none) continue;
      WEFT_TRY(const bool good, load_chunk(plane, first + i, entry, set));
      intact = intact && good;
    }
    at += ByteCount(page);
  }
  return intact;
}

Result<bool> MapFile::load_chunk(MapPlane plane, std::uint64_t chunk, const MapEntry& entry,
                                 BlockSet& set) {
  BlockSet::Words bits{};
  if (entry.kind == BlockSet::Kind::mixed) {
    const auto raw = std::as_writable_bytes(std::span(bits));
    WEFT_TRY(const std::size_t got, file_->read_at(layout_.bits(plane, chunk), raw));
    if (got != raw.size()) return false;
    if constexpr (std::endian::native == std::endian::big) {
      for (auto& word : bits)
        word = std::byteswap(word);
    }
  }
  if (entry.sum != map_entry_sum(header_.image, plane, chunk, entry.kind, &bits)) return false;
  const BlockRange range = set.range_of_chunk(chunk);
  if (entry.kind == BlockSet::Kind::all) {
    set.insert(range);
    return true;
  }
  set.insert_words(chunk, bits);
  return true;
}

MapFile::ChunkSnapshot MapFile::snapshot(const ResidencyMap& map, MapPlane plane,
                                         std::uint64_t chunk) {
  const BlockSet& set = plane == MapPlane::own ? map.own : map.zero;
  auto bits = std::make_unique<BlockSet::Words>();
  const auto kind = set.copy_chunk(chunk, *bits);
  if (kind != BlockSet::Kind::mixed) bits.reset();
  return {plane, chunk, kind, std::move(bits)};
}

Result<void> MapFile::write(std::span<const ChunkSnapshot> chunks) {
  std::vector<std::byte> entries;  // of consecutive chunks: one write
  ByteOffset entries_at;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ChunkSnapshot& c = chunks[i];
    if (c.bits) WEFT_CHECK(write_bits(layout_.bits(c.plane, c.chunk), *c.bits));
    const auto sum = map_entry_sum(header_.image, c.plane, c.chunk, c.kind, c.bits.get());
    if (entries.empty()) entries_at = layout_.entry(c.plane, c.chunk);
    const auto raw = MapEntry{c.kind, sum}.encode();
    entries.insert(entries.end(), raw.begin(), raw.end());
    const bool last = i + 1 == chunks.size() || chunks[i + 1].plane != c.plane ||
                      chunks[i + 1].chunk != c.chunk + 1;
    if (!last) continue;
    WEFT_CHECK(file_->write_at(entries_at, entries));
    entries.clear();
  }
  return {};
}

Result<void> MapFile::write_bits(ByteOffset at, const BlockSet::Words& bits) {
  if constexpr (std::endian::native == std::endian::big) {
    auto swapped = bits;
    for (auto& word : swapped)
      word = std::byteswap(word);
    return file_->write_at(at, std::as_bytes(std::span(swapped)));
  }
  return file_->write_at(at, std::as_bytes(std::span(bits)));
}

Result<void> MapFile::write_header(const MapHeader& header) {
  WEFT_CHECK(file_->write_at(ByteOffset(0), header.encode()));
  header_ = header;
  return {};
}

}  // namespace weft
