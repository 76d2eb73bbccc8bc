// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"
#include "indexer/store/block_search.h"
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <array>
#include <utility>

// Missing blocks that are found without the network: in other images, and elsewhere in this one.
namespace weft {
namespace {

/// Blocks looked for at once: 256 MiB of image, about 6 MiB of memory.
constexpr std::size_t batch_blocks = 65536;
/// What `resolve_some` does before it returns.
constexpr int background_batches = 8;

}  // namespace

/// Blocks that are missing though their leaves are here.
struct PackImage::MissingBlocks {
  std::vector<BlockIndex> blocks;
  std::vector<Digest> digests;
  std::vector<bool> is_new;        ///< not looked for in other images since there was news of them
  std::vector<BlockIndex> leaves;  ///< numbers of the new ones; all their missing blocks are here

  void keep_new(const ResidencyMap& map) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (!is_new[i] || map.readable({blocks[i], BlockCount(1)})) continue;
      blocks[kept] = blocks[i];
      digests[kept] = digests[i];
      ++kept;
    }
    blocks.resize(kept);
    digests.resize(kept);
  }
};

/// Remembers which leaves were looked at, as long as no other image has anything new.
class PackImage::LookedAt {
 public:
  explicit LookedAt(PackImage& image)
      : image_(image), news_(image.news_of_others(LendingDesk::News::blocks)) {
    const Lock lock(image_.resolve_mutex_);
    if (image_.looked_at_news_ == news_) return;
    image_.looked_at_.erase({BlockIndex(0), image_.looked_at_.blocks()});
    image_.looked_at_news_ = news_;
  }
  void add(std::span<const BlockIndex> leaves) {
    const Lock lock(image_.resolve_mutex_);
    if (image_.looked_at_news_ != news_) return;
    for (const BlockIndex leaf : leaves)
      image_.looked_at_.insert({leaf, BlockCount(1)});
  }

 private:
  PackImage& image_;
  const std::uint64_t news_;
};

std::uint64_t PackImage::news_of_others(LendingDesk::News news) const {
  return env_.desk.announced(news) - own_news_[static_cast<std::size_t>(news)].load();
}

// Goes on from `rest.first` until `out` is a batch. Whole leaves, also where `rest` cuts them.
Result<void> PackImage::gather(BlockRange& rest, MissingBlocks& out) {
  while (!rest.empty() && out.blocks.size() < batch_blocks) {
    const auto missing = pack_->map.next_missing(rest);
    if (!missing) {
      rest = {rest.end(), BlockCount(0)};
      break;
    }
    WEFT_TRY(const auto absent, tree_.first_absent(missing->first));
    const BlockRange below =
        shape().blocks_below(absent ? *absent : TreeShape::leaf_of(missing->first));
    if (!absent) WEFT_CHECK(gather_leaf(below, out));
    rest = BlockRange::between(below.end(), rest.end());
  }
  return {};
}

Result<void> PackImage::gather_leaf(BlockRange blocks, MissingBlocks& out) {
  std::array<Digest, tree_fanout> digests;
  const auto known =
      tree_.block_digests(blocks.first, std::span(digests).first(blocks.count.value()));
  if (!known) return known.error().is(Errc::not_resident) ? Result<void>{} : known;
  const BlockIndex leaf(TreeShape::leaf_of(blocks.first).index);
  const bool is_new = !looked_at_.contains(leaf);
  for (BlockIndex block = blocks.first; block < blocks.end(); ++block) {
    if (pack_->map.readable({block, BlockCount(1)})) continue;
    const Digest& digest = digests[(block - blocks.first).value()];
    if (digest.is_zero()) {
      mark_zero({block, BlockCount(1)});
      continue;
    }
    out.blocks.push_back(block);
    out.digests.push_back(digest);
    out.is_new.push_back(is_new);
  }
  if (is_new) out.leaves.push_back(leaf);
  return {};
}

Result<void> PackImage::borrow_missing(std::span<const BlockRange> ranges) {
  LookedAt looked_at(*this);
  MissingBlocks missing;
  for (BlockRange rest : ranges) {
    while (!rest.empty()) {
      WEFT_CHECK(gather(rest, missing));
      if (missing.blocks.size() < batch_blocks) continue;
      WEFT_CHECK(borrow(std::exchange(missing, {}), looked_at));
    }
  }
  return borrow(std::move(missing), looked_at);
}

Result<void> PackImage::borrow(MissingBlocks missing, LookedAt& looked_at) {
  missing.keep_new(pack_->map);
  if (!missing.blocks.empty()) {
    WEFT_CHECK(env_.desk.borrow(row_.info.id, missing.digests, [&](LendingDesk::Offer offer) {
      return take_offer(missing.blocks, offer);
    }));
  }
  looked_at.add(missing.leaves);
  return {};
}

Result<BlockCount> PackImage::resolve(BlockRange range) {
  range = intersect(range, all_blocks());
  const BlockCount before = pack_->map.count_missing(range);
  for (BlockRange rest = range; !rest.empty();)
    WEFT_CHECK(resolve_batch(rest));
  return before - std::min(before, pack_->map.count_missing(range));
}

Result<void> PackImage::resolve_batch(BlockRange& rest) {
  if (!pack_->map.next_missing(rest)) {
    rest = {rest.end(), BlockCount(0)};
    return {};
  }
  const Writing writing(*this);
  WEFT_CHECK(writing.start());
  LookedAt looked_at(*this);
  MissingBlocks missing;
  WEFT_CHECK(gather(rest, missing));
  WEFT_CHECK(copy_twins(missing));
  return borrow(std::move(missing), looked_at);
}

Result<void> PackImage::resolve_some() {
  BlockRange rest;
  {
    const std::uint64_t news = news_of_others(LendingDesk::News::image);
    const Lock lock(resolve_mutex_);
    if (background_news_ != news) background_ = all_blocks();
    background_news_ = news;
    rest = std::exchange(background_, {});
  }
  for (int i = 0; i < background_batches && !rest.empty() && !seems_complete(); ++i)
    WEFT_CHECK(resolve_batch(rest));
  const Lock lock(resolve_mutex_);
  if (background_.empty()) background_ = seems_complete() ? BlockRange{} : rest;
  return {};
}

Result<void> PackImage::copy_twins(const MissingBlocks& missing) {
  const auto own = index();
  if (!own || missing.blocks.empty()) return {};
  struct Twin {
    BlockIndex to;
    BlockIndex from;
    std::size_t position;
  };
  std::vector<Twin> twins;
  BlockSearch search(missing.digests);
  // An index that cannot be read finds nothing.
  auto candidates = search.candidates(*own);
  if (!candidates) return {};
  settle(search, std::move(*candidates), [&](std::size_t position, BlockIndex block) {
    twins.push_back({missing.blocks[position], block, position});
    return true;
  });
  std::ranges::sort(twins, {}, &Twin::to);
  for (const Twin& twin : twins)
    WEFT_CHECK(copy_block(twin.from, twin.to, missing.digests[twin.position]));
  return {};
}

Result<void> PackImage::copy_block(BlockIndex from, BlockIndex to, const Digest& digest) {
  alignas(64) std::array<std::byte, block_size> bytes;
  if (const auto got = read_whole(from, bytes); !got) {
    return got.error().is(Errc::not_resident) ? Result<void>{} : got;
  }
  // Own blocks are compared once since opening: enough to be read again, not to be spread.
  if (digest_of_block(bytes) != digest) return {};
  return store_missing(to, bytes, {&digest, 1});
}

}  // namespace weft
