// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_merge.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;

/// What the recordings say of one key.
struct Seen {
  std::vector<std::pair<milliseconds, std::uint32_t>> times;  // with their weights
  BlockIndex block;
  std::size_t rank = 0;  // in the newest recording that has it
  std::uint32_t boots = 0;
};

std::uint32_t weight_of(const BootProfile& recording) {
  return std::min(recording.boots, most_weight);
}

/// The share of the recording's boots that read the block, of its weight; at least one.
std::uint32_t weight_of(const ProfileEntry& entry, const BootProfile& recording) {
  const std::uint32_t weight = weight_of(recording);
  return std::max<std::uint32_t>(1, (entry.boots * weight + recording.boots / 2) / recording.boots);
}

milliseconds median(std::vector<std::pair<milliseconds, std::uint32_t>>& times) {
  std::ranges::sort(times);
  std::uint64_t total = 0;
  for (const auto& [at, weight] : times)
    total += weight;
  std::uint64_t passed = 0;
  for (const auto& [at, weight] : times) {
    passed += weight;
    if (passed * 2 >= total) return at;
  }
  return times.back().first;
}

std::unordered_map<std::uint64_t, Seen> gather(std::span<const BootProfile> recordings) {
  std::unordered_map<std::uint64_t, Seen> seen;
  for (const BootProfile& recording : recordings) {
    for (std::size_t rank = 0; rank < recording.entries.size(); ++rank) {
      const ProfileEntry& entry = recording.entries[rank];
      Seen& of_key = seen[entry.key];
      const std::uint32_t weight = weight_of(entry, recording);
      of_key.times.emplace_back(entry.at, weight);
      of_key.boots += weight;
      of_key.block = entry.block;
      of_key.rank = rank;
    }
  }
  return seen;
}

}  // namespace

void keep_most_needed(BootProfile& profile, std::size_t max_entries) {
  auto& entries = profile.entries;
  if (entries.size() <= max_entries) return;
  // Stable: entries of one time stay in the order they were read.
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) {
    return std::pair(max_profile_boots - entries[i].boots, i);  // `i` ascends with the time
  });
  order.resize(max_entries);
  std::ranges::sort(order);
  for (std::size_t i = 0; i < order.size(); ++i)
    entries[i] = entries[order[i]];
  entries.resize(max_entries);
}

BootProfile merge_boots(std::span<const BootProfile> recordings, std::size_t max_entries) {
  WEFT_ASSERT(!recordings.empty(), "there is something to merge");
  if (recordings.size() == 1) {
    BootProfile only = recordings.front();
    keep_most_needed(only, max_entries);
    return only;
  }
  BootProfile merged{.image = recordings.back().image, .boots = 0, .entries = {}};
  for (const BootProfile& recording : recordings)
    merged.boots = std::min(merged.boots + weight_of(recording), max_profile_boots);

  std::vector<std::pair<ProfileEntry, std::size_t>> ranked;
  for (auto& [key, seen] : gather(recordings)) {
    const auto boots = static_cast<std::uint16_t>(std::min(seen.boots, merged.boots));
    ranked.push_back(
        {{.key = key, .block = seen.block, .at = median(seen.times), .boots = boots}, seen.rank});
  }
  std::ranges::sort(ranked, {}, [](const auto& entry) {
    return std::tuple(entry.first.at, entry.second, entry.first.key);
  });
  merged.entries.reserve(ranked.size());
  for (const auto& [entry, rank] : ranked)
    merged.entries.push_back(entry);
  keep_most_needed(merged, max_entries);
  return merged;
}

}  // namespace weft::fetcher
