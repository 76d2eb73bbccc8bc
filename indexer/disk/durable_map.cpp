// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/durable_map.h"

#include "indexer/core/hash.h"

#include <array>
#include <string>
#include <vector>

namespace weft {

Result<void> DurableMap::create(File& file, const DiskHeader& header) {
  std::array<std::byte, disk_page> page{};
  const auto head = header.encode();
  std::copy(head.begin(), head.end(), page.begin());
  return file.write_at(ByteOffset(0), page);
}

Result<DurableMap> DurableMap::open(std::shared_ptr<File> file) {
  std::array<std::byte, DiskHeader::size> head{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), head));
  WEFT_TRY(const DiskHeader header, DiskHeader::decode(std::span(head).first(got)));
  return DurableMap(std::move(file), header);
}

ByteOffset DurableMap::place_of(std::uint64_t chunk, unsigned page) {
  return ByteOffset((1 + 2 * chunk + page) * disk_page);
}

Result<DurableMap::Loaded> DurableMap::load_chunk(std::uint64_t chunk) {
  std::array<std::byte, 2 * disk_page> raw{};
  WEFT_CHECK(file_->read_at(place_of(chunk, 0), raw));
  Loaded loaded;
  bool damaged[2] = {};
  for (unsigned i = 0; i < 2; ++i) {
    const auto bytes = std::span(raw).subspan(i * disk_page, disk_page);
    const auto page = DiskChunkPage::decode(bytes, header_.serial, chunk);
    damaged[i] = !page && !is_all_zero(bytes);
    if (!page || page->sequence <= loaded.turn.sequence) continue;
    loaded.turn = {.sequence = page->sequence, .next = 1 - i};
    loaded.page = page;
  }
  if (damaged[0] && damaged[1]) {
    return fail(Errc::damaged_state, Operation::recover,
                "the map of the disk is damaged at chunk " + std::to_string(chunk) +
                    ": what was written to the disk there cannot be told from the image below; "
                    "restore the disk from a backup");
  }
  // The first write of all may have been torn: that page is written again, so that never both are.
  if (!loaded.page) loaded.turn.next = damaged[1] ? 1 : 0;
  return loaded;
}

Result<void> DurableMap::load(DiskMap& map) {
  // A process that was killed may have left the page that holds unsynced, and the other one is
  // written next.
  WEFT_CHECK(file_->sync());
  std::uint64_t chunk = 0;
  for (;;) {
    WEFT_TRY(const auto data, file_->next_data(place_of(chunk, 0)));
    if (!data) return {};
    const std::uint64_t first = data->offset.value() / disk_page;
    const std::uint64_t end =
        (data->offset.value() + data->length.value() + disk_page - 1) / disk_page;
    chunk = first == 0 ? 0 : (first - 1) / 2;
    for (; 1 + 2 * chunk < end; ++chunk) {
      if (chunk >= map.chunks()) return {};
      WEFT_TRY(const Loaded loaded, load_chunk(chunk));
      if (loaded.turn.sequence > 0 || loaded.turn.next > 0) turns_[chunk] = loaded.turn;
      if (loaded.page) map.load_chunk(chunk, loaded.page->words);
    }
  }
}

Result<void> DurableMap::write(std::uint64_t chunk, const DiskMap::Words& words) {
  const Turn& turn = turns_[chunk];
  const DiskChunkPage page{.chunk = chunk, .sequence = turn.sequence + 1, .words = words};
  // Not counted on by a `sync` for others if it fails: perhaps torn, it is written again.
  unsynced_.erase(chunk);
  WEFT_CHECK(file_->write_at(place_of(chunk, turn.next), page.encode(header_.serial)));
  unsynced_.insert(chunk);
  return {};
}

Result<void> DurableMap::sync() {
  WEFT_CHECK(file_->sync());
  for (const std::uint64_t chunk : unsynced_) {
    Turn& turn = turns_[chunk];
    turn = {.sequence = turn.sequence + 1, .next = 1 - turn.next};
  }
  unsynced_.clear();
  return {};
}

}  // namespace weft
