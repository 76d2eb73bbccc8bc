// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/digest_lookup.h"

#include <algorithm>
#include <optional>

namespace weft::fetcher {
namespace {

/// Reads digests leaf by leaf: neighbours are asked for one after the other.
class DigestReader {
 public:
  DigestReader(LocalImage& image, const LooseTree& loose) : image_(image), loose_(loose) {}

  Result<Digest> at(BlockIndex block) {
    const TreeNode leaf = TreeShape::leaf_of(block);
    if (!bytes_ || leaf != leaf_) {
      auto read = image_.node(leaf);
      // On a full disk verified nodes are kept apart.
      if (!read) return loose_.block_digest(image_, block);
      bytes_ = *read;
      leaf_ = leaf;
    }
    return node_entry(*bytes_, TreeShape::slot(block));
  }

  /// visit(block, digest) for the blocks of `ranges`, in order.
  template <class Visit>
  Result<void> each(std::span<const BlockRange> ranges, Visit&& visit) {
    for (const BlockRange& range : ranges) {
      for (BlockIndex block = range.first; block < range.end(); ++block) {
        WEFT_TRY(const Digest digest, at(block));
        visit(block, digest);
      }
    }
    return {};
  }

 private:
  LocalImage& image_;
  const LooseTree& loose_;
  TreeNode leaf_;
  std::optional<NodeBytes> bytes_;
};

DigestKey have_key(const Digest& digest) {
  return digest_key(digest) >> 8 * (sizeof(DigestKey) - HaveKeys::key_bytes);
}

}  // namespace

Result<std::vector<Digest>> digests_of(LocalImage& image, const LooseTree& loose,
                                       std::span<const BlockRange> ranges) {
  DigestReader reader(image, loose);
  std::vector<Digest> digests;
  WEFT_CHECK(
      reader.each(ranges, [&](BlockIndex, const Digest& digest) { digests.push_back(digest); }));
  return digests;
}

Result<std::vector<Twins::Keyed>> keyed_blocks(LocalImage& image,
                                               std::span<const BlockRange> ranges) {
  const LooseTree none;
  DigestReader reader(image, none);
  std::vector<Twins::Keyed> keyed;
  WEFT_CHECK(reader.each(ranges, [&](BlockIndex block, const Digest& digest) {
    keyed.push_back({block, digest_key(digest)});
  }));
  return keyed;
}

HaveKeys have_keys(LocalImage& image, const LooseTree& loose, std::span<const BlockRange> ranges) {
  DigestReader reader(image, loose);
  std::vector<std::pair<std::uint64_t, BlockIndex>> found;
  for (const BlockRange& range : ranges) {
    for (BlockIndex at = range.first; at < range.end(); ++at) {
      const Result<Digest> digest = reader.at(at);
      if (!digest || digest->is_zero()) continue;
      found.emplace_back(have_key(*digest), at);
    }
  }
  std::ranges::sort(found);
  HaveKeys result;
  for (const auto& [key, block] : found) {
    if (result.keys.empty() || result.keys.back() != key) result.keys.push_back(key);
    result.blocks.emplace_back(result.keys.size() - 1, block);
  }
  return result;
}

std::vector<BlockRange> held_blocks(const HaveKeys& keys, const std::vector<bool>& answer) {
  std::vector<BlockIndex> held;
  for (const auto& [position, block] : keys.blocks) {
    if (position < answer.size() && answer[position]) held.push_back(block);
  }
  std::ranges::sort(held);
  std::vector<BlockRange> runs;
  for (const BlockIndex block : held)
    append_run(runs, {block, BlockCount(1)});
  return runs;
}

std::vector<BlockRange> blocks_at(std::span<const BlockRange> asked,
                                  std::span<const BlockRange> positions) {
  std::vector<std::uint64_t> starts{0};
  for (const BlockRange& range : asked)
    starts.push_back(starts.back() + range.count.value());
  std::vector<BlockRange> blocks;
  for (const BlockRange& run : positions) {
    std::uint64_t at = run.first.value();
    const std::uint64_t end =
        std::min(starts.back(), run.end() < run.first ? starts.back() : run.end().value());
    while (at < end) {
      const auto after = std::ranges::upper_bound(starts, at);
      const auto i = static_cast<std::size_t>(after - starts.begin()) - 1;
      const std::uint64_t stop = std::min(end, *after);
      append_run(blocks, {asked[i].first + BlockCount(at - starts[i]), BlockCount(stop - at)});
      at = stop;
    }
  }
  return blocks;
}

wire::BlockBatch by_range(std::span<const BlockRange> asked, wire::BlockBatch batch) {
  batch.ranges = blocks_at(asked, batch.ranges);
  batch.zero = blocks_at(asked, batch.zero);
  batch.absent = blocks_at(asked, batch.absent);
  return batch;
}

}  // namespace weft::fetcher
