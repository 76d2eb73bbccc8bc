// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/store/map_file.h"
#include "tests/support/indexer/memory_file.h"

#include <cstdint>
#include <memory>
#include <span>

using namespace weft;

// The map file of an image of 70000 blocks with any bytes at all: it is refused, or loaded without
// a bit that its sums do not vouch for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BlockCount blocks(70000);
  ImageId image;
  for (std::size_t i = 0; i < image.bytes.size(); ++i)
    image.bytes[i] = static_cast<std::uint8_t>(i);
  const auto bytes = std::as_bytes(std::span(data, size));
  auto map = MapFile::open(std::make_unique<test::MemoryFile>(bytes), image, blocks);
  if (!map) {
    // The header is hard to hit: put a good one over the input, so that its chunks are tried, too.
    auto file = std::make_unique<test::MemoryFile>(bytes);
    MapHeader header;
    header.image = image;
    header.blocks = blocks;
    if (!file->write_at(ByteOffset(0), header.encode())) return 0;
    map = MapFile::open(std::move(file), image, blocks);
    WEFT_ASSERT(map.has_value(), "a good header is read");
  }
  ResidencyMap loaded(blocks);
  const auto intact = map->load(loaded);
  WEFT_ASSERT(intact.has_value(), "memory does not fail");
  WEFT_ASSERT(loaded.own.count() <= blocks && loaded.zero.count() <= blocks, "bits in the image");
  return 0;
}
