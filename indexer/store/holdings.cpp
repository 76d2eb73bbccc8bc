// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/holdings.h"

#include "indexer/core/hash.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {

std::vector<ImageId> Holdings::candidates() {
  auto ids = table_.indexed_images();
  const Lock lock(mutex_);
  const auto last = std::ranges::find(ids, answered_last_);
  if (last != ids.end()) std::rotate(ids.begin(), last, last + 1);
  return ids;
}

void Holdings::answered(const ImageId& id) {
  const Lock lock(mutex_);
  answered_last_ = id;
}

Result<std::vector<bool>> Holdings::holds(std::span<const DigestKey> keys, unsigned key_bytes) {
  if (key_bytes < 4 || key_bytes > 8 || !std::ranges::is_sorted(keys) ||
      (!keys.empty() && key_bytes < 8 && keys.back() >> (8 * key_bytes) != 0)) {
    return fail(Errc::bad_request, Operation::index,
                "keys must ascend and have the length that they say");
  }
  std::vector<bool> held(keys.size());
  std::vector<DigestKey> left(keys.begin(), keys.end());
  std::vector<std::size_t> position(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    position[i] = i;
  for (const ImageId& id : candidates()) {
    if (left.empty()) break;
    const auto index = table_.index_of(id);
    if (!index) continue;
    std::vector<std::pair<std::size_t, BlockIndex>> entries;
    const auto matched = index->match(left, 8 * (8 - key_bytes), [&](std::size_t i, BlockIndex b) {
      entries.emplace_back(i, b);
    });
    if (!matched || entries.empty()) continue;
    const auto image = table_.open(id);
    if (!image) continue;
    for (const auto& [i, block] : entries) {
      if ((*image)->has(block)) held[position[i]] = true;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (held[position[i]]) continue;
      left[kept] = left[i];
      position[kept++] = position[i];
    }
    left.resize(kept);
  }
  return held;
}

Result<std::vector<bool>> Holdings::read(std::span<const Digest> digests,
                                         std::span<std::byte> blocks) {
  if (blocks.size() != digests.size() * block_size) {
    return fail(Errc::bad_request, Operation::read, "a block is 4096 bytes");
  }
  std::vector<bool> found(digests.size());
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (!digests[i].is_zero()) continue;
    std::ranges::fill(blocks.subspan(i * block_size, block_size), std::byte{0});
    found[i] = true;
  }
  BlockSearch search(digests);
  for (const ImageId& id : candidates()) {
    if (search.done()) break;
    bool any = false;
    const auto take = [&](PackImage& image, std::size_t wanted, BlockIndex block) {
      // Compared here once more: an image checks its own blocks only once since it was opened.
      std::array<std::byte, block_size> bytes;
      if (!image.read(offset_of(block), bytes)) return false;
      if (digest_of_block(bytes) != digests[wanted]) return false;
      std::ranges::copy(bytes, blocks.subspan(wanted * block_size).begin());
      found[wanted] = true;
      any = true;
      return true;
    };
    // What cannot be read has nothing for others.
    static_cast<void>(table_.look_in(id, search, take));
    if (any) answered(id);
  }
  return found;
}

}  // namespace weft
