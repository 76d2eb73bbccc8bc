// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/block_set.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weft {
namespace {

template <std::size_t... I>
constexpr std::array<std::atomic<std::uint64_t>, sizeof...(I)> filled(std::uint64_t value,
                                                                      std::index_sequence<I...>) {
  return {((void)I, value)...};
}

}  // namespace

constinit const BlockSet::Chunk BlockSet::none_{
    filled(0, std::make_index_sequence<BlockSet::chunk_words>())};
constinit const BlockSet::Chunk BlockSet::all_{
    filled(~std::uint64_t{0}, std::make_index_sequence<BlockSet::chunk_words>())};

BlockSet::BlockSet(BlockCount blocks)
    : blocks_(blocks.value()),
      chunks_((blocks.value() + chunk_blocks - 1) / chunk_blocks),
      slots_(new std::atomic<const Chunk*>[chunks_]) {
  for (std::uint64_t c = 0; c < chunks_; ++c)
    slots_[c].store(&none_, std::memory_order_relaxed);
}

BlockSet::~BlockSet() {
  for (std::uint64_t c = 0; c < chunks_; ++c) {
    const Chunk* owned = chunk(c);
    if (!is_shared(owned)) delete owned;
  }
}

BlockRange BlockSet::range_of_chunk(std::uint64_t index) const noexcept {
  const std::uint64_t first = index * chunk_blocks;
  return {BlockIndex(first), BlockCount(std::min(chunk_blocks, blocks_ - first))};
}

BlockSet::Kind BlockSet::kind(std::uint64_t index) const noexcept {
  const Chunk* c = chunk(index);
  return c == &none_ ? Kind::none : c == &all_ ? Kind::all : Kind::mixed;
}

bool BlockSet::contains(BlockIndex block) const noexcept {
  return (word(block.value() / 64) >> (block.value() % 64) & 1) != 0;
}

bool BlockSet::contains_all(BlockRange range) const noexcept {
  while (!range.empty()) {
    const std::uint64_t index = range.first.value() / chunk_blocks;
    const BlockRange part = intersect(range, range_of_chunk(index));
    const Chunk* c = chunk(index);
    if (c == &none_) return false;
    if (c != &all_ && !each_word(part, [&](std::uint64_t w, std::uint64_t mask) {
          return (~c->words[w % chunk_words].load(std::memory_order_acquire) & mask) == 0;
        })) {
      return false;
    }
    range = BlockRange::between(part.end(), range.end());
  }
  return true;
}

std::optional<BlockIndex> BlockSet::next(BlockRange range) const noexcept {
  std::optional<BlockIndex> found;
  while (!range.empty() && !found) {
    const std::uint64_t index = range.first.value() / chunk_blocks;
    const BlockRange part = intersect(range, range_of_chunk(index));
    const Chunk* c = chunk(index);
    if (c == &all_) return part.first;
    if (c != &none_) {
      each_word(part, [&](std::uint64_t w, std::uint64_t mask) {
        const auto hits = c->words[w % chunk_words].load(std::memory_order_acquire) & mask;
        if (hits == 0) return true;
        found = BlockIndex(w * 64 + static_cast<std::uint64_t>(std::countr_zero(hits)));
        return false;
      });
    }
    range = BlockRange::between(part.end(), range.end());
  }
  return found;
}

BlockSet::Kind BlockSet::copy_chunk(std::uint64_t index, Words& out) const noexcept {
  const Chunk* c = chunk(index);
  out.fill(0);
  bool any = false;
  bool every = true;
  each_word(range_of_chunk(index), [&](std::uint64_t w, std::uint64_t mask) {
    const std::uint64_t bits = c->words[w % chunk_words].load(std::memory_order_acquire) & mask;
    out[w % chunk_words] = bits;
    any = any || bits != 0;
    every = every && bits == mask;
    return true;
  });
  return !any ? Kind::none : every ? Kind::all : Kind::mixed;
}

BlockCount BlockSet::insert_words(std::uint64_t index, const Words& words) {
  BlockCount added;
  each_word(range_of_chunk(index), [&](std::uint64_t w, std::uint64_t mask) {
    std::uint64_t bits = words[w % chunk_words] & mask;
    while (bits != 0) {
      const int low = std::countr_zero(bits);
      const int run = std::countr_one(bits >> low);
      added += insert({BlockIndex(w * 64 + static_cast<std::uint64_t>(low)),
                       BlockCount(static_cast<std::uint64_t>(run))});
      bits &= low + run < 64 ? ~std::uint64_t{0} << (low + run) : 0;
    }
    return true;
  });
  return added;
}

BlockCount BlockSet::insert(BlockRange range) {
  return BlockCount(change<true>(range));
}
BlockCount BlockSet::erase(BlockRange range) {
  return BlockCount(change<false>(range));
}

template <bool insert>
std::uint64_t BlockSet::change(BlockRange range) {
  WEFT_ASSERT(range.end().value() <= blocks_, "block range beyond the image");
  std::uint64_t changed = 0;
  while (!range.empty()) {
    const std::uint64_t index = range.first.value() / chunk_blocks;
    const BlockRange part = intersect(range, range_of_chunk(index));
    changed += change_in_chunk<insert>(index, part);
    range = BlockRange::between(part.end(), range.end());
  }
  if constexpr (insert) {
    count_.fetch_add(changed, std::memory_order_acq_rel);
  } else {
    count_.fetch_sub(changed, std::memory_order_acq_rel);
  }
  return changed;
}

template <bool insert>
std::uint64_t BlockSet::change_in_chunk(std::uint64_t index, BlockRange range) {
  const Chunk* const done = insert ? &all_ : &none_;
  const Chunk* current = chunk(index);
  while (is_shared(current)) {
    if (current == done) return 0;
    if (range == range_of_chunk(index)) {
      if (slots_[index].compare_exchange_strong(current, done, std::memory_order_acq_rel)) {
        return range.count.value();
      }
      continue;
    }
    auto fresh = std::make_unique<Chunk>();
    each_word(range_of_chunk(index), [&](std::uint64_t w, std::uint64_t mask) {
      fresh->words[w % chunk_words].store(insert ? 0 : mask, std::memory_order_relaxed);
      return true;
    });
    if (slots_[index].compare_exchange_strong(current, fresh.get(), std::memory_order_acq_rel)) {
      current = fresh.release();
    }
  }
  // Only chunks that the set allocated itself get here; the shared ones are constants.
  auto* own = const_cast<Chunk*>(current);
  std::uint64_t changed = 0;
  each_word(range, [&](std::uint64_t w, std::uint64_t mask) {
    auto& bits = own->words[w % chunk_words];
    if constexpr (insert) {
      const std::uint64_t before = bits.fetch_or(mask, std::memory_order_acq_rel);
      changed += static_cast<std::uint64_t>(std::popcount(mask & ~before));
    } else {
      const std::uint64_t before = bits.fetch_and(~mask, std::memory_order_acq_rel);
      changed += static_cast<std::uint64_t>(std::popcount(mask & before));
    }
    return true;
  });
  return changed;
}

}  // namespace weft
