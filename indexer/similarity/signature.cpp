// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/signature.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <cmath>

namespace weft {
namespace {

using Keys = std::span<const DigestKey>;

// Above this ratio of lengths, searching beats merging.
constexpr std::size_t search_ratio = 32;

std::uint64_t count_by_search(Keys few, Keys many) {
  std::uint64_t common = 0;
  for (auto from = many.begin(); const std::uint64_t key : few) {
    from = std::lower_bound(from, many.end(), key);
    if (from == many.end()) break;
    common += *from == key ? 1 : 0;
  }
  return common;
}

std::uint64_t count_common(Keys a, Keys b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() / search_ratio > a.size()) return count_by_search(a, b);
  std::uint64_t common = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const std::uint64_t x = a[i];
    const std::uint64_t y = b[j];
    // Without branches: which one is smaller cannot be predicted.
    common += x == y ? 1 : 0;
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
  }
  return common;
}

}  // namespace

bool is_valid(const Signature& signature) noexcept {
  const auto& keys = signature.keys;
  if (signature.shift > max_signature_shift) return false;
  if (signature.unique_blocks > blocks_for(max_image_size)) return false;
  const auto count = BlockCount(keys.size());
  if (signature.is_full() ? count != signature.unique_blocks : count > signature.unique_blocks) {
    return false;
  }
  if (std::ranges::adjacent_find(keys, std::ranges::greater_equal{}) != keys.end()) return false;
  return keys.empty() || keys.back() <= last_key(signature.shift);
}

std::span<const DigestKey> keys_at(const Signature& signature, unsigned shift) {
  const Keys all(signature.keys);
  const auto end = std::ranges::upper_bound(all, last_key(shift));
  return all.first(static_cast<std::size_t>(end - all.begin()));
}

Signature at_shift(const Signature& signature, unsigned shift) {
  WEFT_ASSERT(shift >= signature.shift && shift <= max_signature_shift, "shifts only go up");
  const Keys kept = keys_at(signature, shift);
  return {.image = signature.image,
          .shift = shift,
          .unique_blocks = signature.unique_blocks,
          .keys = {kept.begin(), kept.end()}};
}

Signature sampled(const Signature& signature, std::size_t max_keys) {
  unsigned shift = signature.shift;
  while (shift < max_signature_shift && keys_at(signature, shift).size() > max_keys)
    ++shift;
  Signature result = at_shift(signature, shift);
  if (result.keys.size() > max_keys) result.keys.resize(max_keys);
  return result;
}

Estimate estimate_blocks(std::uint64_t kept, unsigned shift) {
  const double kept_fraction = std::ldexp(1, -static_cast<int>(shift));
  const auto m = static_cast<double>(kept);
  return {.blocks = m / kept_fraction,
          .standard_error = std::sqrt((m + 3) * (1 - kept_fraction)) / kept_fraction};
}

Overlap estimate_overlap(BlockCount blocks, std::uint64_t kept, std::uint64_t shared,
                         unsigned shift) {
  WEFT_ASSERT(shared <= kept, "no more shared than looked at");
  const auto n = static_cast<double>(blocks.value());
  if (shift == 0) return {.blocks = static_cast<double>(shared)};
  if (kept == 0) return {.blocks = 0, .standard_error = n, .shift = shift};
  const auto a = static_cast<double>(kept);
  const auto m = static_cast<double>(shared);
  const double q = (m + 3) / (a + 6);
  const double unseen = std::max(0.0, 1 - a / n);
  return {.blocks = n * (m / a),
          .standard_error = n * std::sqrt(q * (1 - q) / a * unseen),
          .shift = shift};
}

Overlap overlap(const Signature& a, const Signature& b) {
  const unsigned shift = std::max(a.shift, b.shift);
  const Signature& smaller = a.unique_blocks <= b.unique_blocks ? a : b;
  const Keys in_a = keys_at(a, shift);
  const Keys in_b = keys_at(b, shift);
  const Keys kept = &smaller == &a ? in_a : in_b;
  return estimate_overlap(smaller.unique_blocks, kept.size(), count_common(in_a, in_b), shift);
}

}  // namespace weft
