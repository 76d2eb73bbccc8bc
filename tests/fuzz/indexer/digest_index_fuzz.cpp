// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/core/hash.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/bytes.h"
#include "indexer/store/digest_index.h"
#include "indexer/store/index_codec.h"
#include "tests/support/indexer/memory_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

using namespace weft;

static void use(const DigestIndex& index, std::span<const DigestKey> keys) {
  for (const unsigned drop_bits : {0u, 24u, 63u}) {
    std::vector<DigestKey> cut(keys.begin(), keys.end());
    for (DigestKey& key : cut)
      key >>= drop_bits;
    static_cast<void>(index.match(cut, drop_bits, [&](std::size_t i, BlockIndex) {
      WEFT_ASSERT(i < cut.size(), "an entry for a key that was asked for");
    }));
  }
  const auto signature = index.signature(100);
  WEFT_ASSERT(!signature || (is_valid(*signature) && signature->keys.size() <= 100),
              "a signature that is given is one");
}

// An index of any bytes is refused or answers, and takes no more memory than the file has. What no
// input hits by itself is put over it: a sealed header whose fences have their sum.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ImageId image;
  for (std::size_t i = 0; i < image.bytes.size(); ++i)
    image.bytes[i] = static_cast<std::uint8_t>(i);
  const auto bytes = std::as_bytes(std::span(data, size));
  std::array<DigestKey, 32> keys{};
  for (std::size_t i = 0; i + 8 <= size && i / 8 < keys.size(); i += 8)
    keys[i / 8] = layout::get<std::uint64_t>(bytes, i);
  std::ranges::sort(keys);
  if (const auto index = DigestIndex::open(std::make_unique<test::MemoryFile>(bytes), image)) {
    use(**index, keys);
  }
  const std::uint64_t pages = size / DigestIndex::page_size;
  if (pages < 2) return 0;
  const auto fences = bytes.subspan(0, (pages - 1) * sizeof(DigestKey));
  const std::uint64_t entries = (pages - 1) * DigestIndex::page_entries - size % 200;
  const IndexHeader header{image, entries, xxh3(fences), true, entries / 2, BlockCount(entries)};
  auto file = std::make_unique<test::MemoryFile>(bytes);
  const bool made =
      file->write_at(ByteOffset(pages * DigestIndex::page_size), fences).has_value() &&
      file->write_at(ByteOffset(0), header.encode()).has_value();
  const auto index = DigestIndex::open(std::move(file), image);
  WEFT_ASSERT(!made || index.has_value(), "a good header is read");
  if (index) use(**index, keys);
  return 0;
}
