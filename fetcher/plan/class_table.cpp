// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/class_table.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher::plan {
namespace {

std::uint64_t hash_of(std::span<const SourceIndex> holders) {
  std::uint64_t hash = holders.size();
  for (const SourceIndex holder : holders) {  // the finaliser of MurmurHash3 between members
    hash = (hash ^ holder) * 0xff51'afd7'ed55'8ccd;
    hash ^= hash >> 33;
  }
  return hash;
}

}  // namespace

void ClassTable::add(BlockRange blocks, Tier tier, std::span<const SourceIndex> holders,
                     std::uint64_t bytes) {
  const HolderSetIndex set = intern(holders);
  const std::uint64_t key = std::uint64_t{set} << 8 | tier;
  const auto [found, added] =
      classes_by_key_.try_emplace(key, static_cast<ClassIndex>(classes_.size()));
  if (added) classes_.push_back({set, tier, 0});
  const ClassIndex index = found->second;
  classes_[index].bytes += bytes;
  if (!order_.empty() && order_.back().transfer_class == index &&
      order_.back().blocks.end() == blocks.first) {
    order_.back().blocks.count += blocks.count;
  } else {
    order_.push_back({blocks, index});
  }
}

HolderSetIndex ClassTable::intern(std::span<const SourceIndex> holders) {
  sorted_.assign(holders.begin(), holders.end());
  std::ranges::sort(sorted_);
  const auto twice = std::ranges::unique(sorted_);
  sorted_.erase(twice.begin(), twice.end());
  for (std::uint64_t hash = hash_of(sorted_);; ++hash) {
    const auto found = sets_by_hash_.find(hash);
    if (found == sets_by_hash_.end()) {
      const HolderSetIndex set = sets_.add(sorted_);
      sets_by_hash_.emplace(hash, set);
      return set;
    }
    if (std::ranges::equal(sets_[found->second], sorted_)) return found->second;
  }
}

void ClassTable::move_into(Problem& problem) {
  problem.holder_sets = std::exchange(sets_, {});
  problem.classes = std::exchange(classes_, {});
  sets_by_hash_.clear();
  classes_by_key_.clear();
}

}  // namespace weft::fetcher::plan
