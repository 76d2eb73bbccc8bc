// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/live_map.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {
namespace {

constexpr std::size_t words_size = DiskMap::chunk_words * 8;

Result<void> write_chunk(File& file, ByteOffset at, const DiskMap& map, std::uint64_t chunk) {
  DiskMap::Words words;
  map.copy_chunk(chunk, words);
  std::array<std::byte, words_size> raw;
  encode_words(words, raw);
  return file.write_at(at, raw);
}

}  // namespace

Result<std::optional<LiveMap>> LiveMap::open(FileSystem& fs, const std::filesystem::path& path,
                                             const LiveHeader& header, DiskMap& map) {
  WEFT_TRY(const auto names, fs.list(path.parent_path()));
  if (!std::ranges::binary_search(names, path.filename().string())) return std::nullopt;
  WEFT_TRY(auto file, fs.open(path, OpenMode::read_write));
  std::array<std::byte, LiveHeader::size> head{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), head));
  const auto found = LiveHeader::decode(std::span(head).first(got));
  if (!found || *found != header) return std::nullopt;
  for (std::uint64_t chunk = 0; chunk < map.chunks();) {
    WEFT_TRY(const auto data, file->next_data(place_of(chunk)));
    if (!data) break;
    const std::uint64_t end =
        (data->offset.value() + data->length.value() + disk_page - 1) / disk_page - 1;
    chunk = std::max(chunk, data->offset.value() / disk_page - 1);
    for (; chunk < std::min(end, map.chunks()); ++chunk) {
      std::array<std::byte, words_size> raw{};
      WEFT_CHECK(file->read_at(place_of(chunk), raw));
      DiskMap::Words words;
      decode_words(raw, words);
      map.load_chunk(chunk, words);
    }
  }
  return LiveMap(std::move(file));
}

Result<LiveMap> LiveMap::create(FileSystem& fs, const std::filesystem::path& path,
                                const LiveHeader& header, const DiskMap& map) {
  const std::filesystem::path fresh = path.string() + ".new";
  WEFT_CHECK(fs.remove(fresh));
  WEFT_TRY(auto file, fs.open(fresh, OpenMode::create_exclusive));
  for (std::uint64_t chunk = 0; chunk < map.chunks(); ++chunk) {
    if (!map.is_untouched(chunk)) WEFT_CHECK(write_chunk(*file, place_of(chunk), map, chunk));
  }
  WEFT_CHECK(file->write_at(ByteOffset(0), header.encode()));
  WEFT_CHECK(fs.rename(fresh, path));
  return LiveMap(std::move(file));
}

Result<void> LiveMap::set(const DiskMap& map, BlockRange range, DiskPlace place) {
  while (!range.empty()) {
    const std::uint64_t chunk = DiskMap::chunk_of(range.first);
    const std::uint64_t from = range.first.value() % DiskMap::chunk_blocks;
    const std::uint64_t to = std::min(DiskMap::chunk_blocks, from + range.count.value());
    DiskMap::Words words;
    map.copy_chunk(chunk, words);
    const std::size_t first_word = from / DiskMap::word_blocks;
    const std::size_t end_word = (to + DiskMap::word_blocks - 1) / DiskMap::word_blocks;
    for (std::uint64_t b = from; b < to; ++b) {
      auto& word = words[b / DiskMap::word_blocks];
      const auto shift = 2 * (b % DiskMap::word_blocks);
      word = (word & ~(std::uint64_t{3} << shift)) | (static_cast<std::uint64_t>(place) << shift);
    }
    std::array<std::byte, words_size> raw;
    const auto part = std::span(raw).first((end_word - first_word) * 8);
    encode_words(std::span(words).subspan(first_word, end_word - first_word), part);
    WEFT_CHECK(file_->write_at(place_of(chunk) + ByteCount(first_word * 8), part));
    const BlockIndex next(chunk * DiskMap::chunk_blocks + to);
    range = BlockRange::between(next, range.end());
  }
  return {};
}

Result<ByteCount> LiveMap::physical_size() const {
  WEFT_TRY(const FileStat stat, file_->stat());
  return stat.allocated;
}

}  // namespace weft
