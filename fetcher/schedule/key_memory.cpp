// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/key_memory.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t first_buckets = 1024;

}  // namespace

std::optional<std::uint64_t> KeyMemory::find(std::uint64_t key) const {
  if (buckets_.empty()) return std::nullopt;
  for (const Entry& entry : buckets_[key & (buckets_.size() - 1)]) {
    if (entry.value != 0 && entry.key == key) return entry.value;
  }
  return std::nullopt;
}

void KeyMemory::put(std::uint64_t key, std::uint64_t value) {
  if (buckets_.empty()) buckets_.resize(first_buckets);
  while (bucket(key).back().value != 0 && !find(key) && capacity() < most_entries)
    grow();
  push(bucket(key), {key, value});
}

void KeyMemory::clear() {
  buckets_.clear();
  buckets_.shrink_to_fit();
}

KeyMemory::Bucket& KeyMemory::bucket(std::uint64_t key) {
  return buckets_[key & (buckets_.size() - 1)];
}

/// The oldest of a full bucket is gone: no loss that matters.
void KeyMemory::push(Bucket& bucket, Entry entry) {
  auto last = std::ranges::find(bucket, entry.key, &Entry::key);
  if (last != bucket.end() && last->value != 0) {
    last->value = entry.value;
    return;
  }
  std::ranges::rotate(bucket, bucket.end() - 1);
  bucket.front() = entry;
}

void KeyMemory::grow() {
  const std::vector<Bucket> old = std::exchange(buckets_, std::vector<Bucket>(buckets_.size() * 2));
  for (const Bucket& full : old) {
    for (auto entry = full.rbegin(); entry != full.rend(); ++entry) {
      if (entry->value != 0) push(bucket(entry->key), *entry);
    }
  }
}

}  // namespace weft::fetcher
