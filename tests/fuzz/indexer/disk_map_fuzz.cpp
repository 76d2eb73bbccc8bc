// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/disk/durable_map.h"
#include "tests/support/indexer/memory_file.h"

#include <cstdint>
#include <memory>
#include <span>

using namespace weft;

namespace {

constexpr BlockCount most(1u << 20);  // a larger disk's map only takes longer

bool are_equal(const DiskMap& a, const DiskMap& b) {
  for (std::uint64_t chunk = 0; chunk < a.chunks(); ++chunk) {
    DiskMap::Words of_a;
    DiskMap::Words of_b;
    a.copy_chunk(chunk, of_a);
    b.copy_chunk(chunk, of_b);
    if (of_a != of_b) return false;
  }
  return true;
}

}  // namespace

// The map file of a disk with any bytes at all: it is refused, or loaded, and then what is written
// to it is what is read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  static_cast<void>(LiveHeader::decode(bytes));
  auto file = std::make_unique<test::MemoryFile>(bytes);
  const test::MemoryFile& kept = *file;
  auto map = DurableMap::open(std::move(file));
  if (!map) return 0;
  const BlockCount blocks = blocks_for(map->header().bytes);
  if (blocks > most) return 0;
  DiskMap loaded(blocks);
  if (!map->load(loaded)) return 0;
  const BlockRange first{BlockIndex(0), BlockCount(1)};
  if (blocks > BlockCount(0)) loaded.set(first, DiskPlace::written);
  for (std::uint64_t chunk = 0; chunk < loaded.chunks(); ++chunk) {
    DiskMap::Words words;
    loaded.copy_chunk(chunk, words);
    const auto written = map->write(chunk, words);
    WEFT_ASSERT(written.has_value(), "memory does not fail");
  }
  auto again = DurableMap::open(std::make_unique<test::MemoryFile>(kept.bytes()));
  WEFT_ASSERT(again.has_value(), "the header is as before");
  DiskMap read_again(blocks);
  const auto read = again->load(read_again);
  WEFT_ASSERT(read.has_value(), "what was written is not damaged");
  WEFT_ASSERT(are_equal(loaded, read_again), "what was written is read");
  return 0;
}
