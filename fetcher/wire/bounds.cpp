// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/bounds.h"

#include "fetcher/wire/text.h"

#include <algorithm>

namespace weft::fetcher::wire {
namespace {

bool is_in_image(const BlockRange& range) {
  return range.count.value() >= 1 && range.count.value() <= max_blocks_in_image &&
         range.first.value() <= max_blocks_in_image - range.count.value();
}

bool is_name(std::string_view text) {
  return text.size() <= max_name && is_clean_text(text);
}

bool is_node(TreeNode node) {
  return node.level >= 1 && node.level <= max_tree_height && node.index < max_blocks_in_image;
}

}  // namespace

bool is_ordered(std::span<const BlockRange> ranges) {
  if (!std::ranges::all_of(ranges, is_in_image)) return false;
  return std::ranges::adjacent_find(ranges, [](const BlockRange& a, const BlockRange& b) {
           return a.end() > b.first;
         }) == ranges.end();
}

bool is_disjoint(std::span<const BlockRange> ranges) {
  if (is_ordered(ranges)) return true;
  std::vector<BlockRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, &BlockRange::first);
  return is_ordered(sorted);
}

std::uint64_t total_blocks(std::span<const BlockRange> ranges) {
  std::uint64_t total = 0;
  for (const BlockRange& range : ranges)
    total += range.count.value();
  return total;
}

bool in_bounds(const Hello& m) {
  return m.version_min >= 1 && m.version_min <= m.version_max && is_name(m.name);
}

bool in_bounds(const ImageSummary& m) {
  return is_name(m.name) && is_consistent(m.info) && m.available <= blocks_for(m.info.size);
}

bool in_bounds(const ImageListRequest& m) {
  return is_name(m.after);
}

bool in_bounds(const ImageList& m) {
  const auto ascending = std::ranges::adjacent_find(m.images, std::ranges::greater_equal{},
                                                    &ImageSummary::name) == m.images.end();
  return m.images.size() <= max_images_in_frame && ascending &&
         std::ranges::all_of(m.images, [](const ImageSummary& image) { return in_bounds(image); });
}

bool in_bounds(const FindImageRequest& m) {
  return !m.name_or_id.empty() && is_name(m.name_or_id) &&
         m.first_read.value() < max_blocks_in_image;
}

bool in_bounds(const TreeNodes& m) {
  return m.nodes.size() <= max_nodes_in_frame &&
         std::ranges::all_of(m.nodes, is_node, &TreeNodes::Entry::node);
}

bool in_bounds(const ImageFound& m) {
  return in_bounds(m.image) && in_bounds(m.path) && !m.path.more &&
         m.path.nodes.size() <= max_tree_height;
}

bool in_bounds(const TreeNodesRequest& m) {
  if (m.nodes.empty() || m.nodes.size() > max_nodes || !std::ranges::all_of(m.nodes, is_node)) {
    return false;
  }
  std::vector<TreeNode> sorted = m.nodes;
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end();
}

bool in_bounds(const BlocksRequest& m) {
  return !m.ranges.empty() && m.ranges.size() <= max_ranges && is_disjoint(m.ranges) &&
         total_blocks(m.ranges) <= max_blocks_requested;
}

bool in_bounds(const BlocksByDigestRequest& m) {
  return !m.digests.empty() && m.digests.size() <= max_digests;
}

bool in_bounds(const BlockBatch& m) {
  const std::uint64_t plain = total_blocks(m.ranges) * block_size;
  const bool sizes_match =
      m.compressed ? !m.packed.empty() && m.packed.size() < plain : m.packed.size() == plain;
  return m.ranges.size() <= blocks_per_batch && m.zero.size() <= max_ranges &&
         m.absent.size() <= max_ranges && is_ordered(m.ranges) && is_ordered(m.zero) &&
         is_ordered(m.absent) && total_blocks(m.ranges) <= blocks_per_batch &&
         total_blocks(m.zero) + total_blocks(m.absent) <= max_blocks_requested && sizes_match;
}

bool in_bounds(const Cancel& m) {
  return m.request != 0;
}

bool in_bounds(const Reprioritise& m) {
  return m.request != 0 && m.priority >= Priority::demand && m.priority <= Priority::prefetch;
}

bool in_bounds(const WatchResidency&) {
  return true;
}

bool in_bounds(const Residency& m) {
  return m.added.size() <= max_ranges && m.removed.size() <= max_ranges && is_ordered(m.added) &&
         is_ordered(m.removed) && !(m.complete && !m.added.empty());
}

bool in_bounds(const Ping&) {
  return true;
}

bool in_bounds(const Pong&) {
  return true;
}

bool in_bounds(const Failure& m) {
  return m.message.size() <= max_failure_message && is_clean_text(m.message);
}

bool in_bounds(const SignatureRequest& m) {
  return m.max_keys >= 1 && m.max_keys <= max_signature_keys;
}

bool in_bounds(const SignatureAnswer& m) {
  return !m.part.empty() && m.part.size() <= max_signature_part;
}

bool in_bounds(const HaveRequest& m) {
  if (m.key_bytes < min_key_bytes || m.key_bytes > max_key_bytes) return false;
  const std::uint64_t last = ~std::uint64_t{0} >> (64 - 8 * m.key_bytes);
  return !m.keys.empty() && m.keys.size() <= max_have_keys && m.keys.back() <= last &&
         std::ranges::adjacent_find(m.keys, std::ranges::greater_equal{}) == m.keys.end();
}

bool in_bounds(const HaveAnswer& m) {
  return !m.held.empty() && m.held.size() <= max_have_keys;
}

bool in_bounds(const ProfileRequest& m) {
  return m.max_entries >= 1 && m.max_entries <= max_entries_asked;
}

bool in_bounds(const ProfileAnswer& m) {
  return !m.part.empty() && m.part.size() <= max_profile_part;
}

bool in_bounds(const SwarmRequest& m) {
  return m.most <= max_swarm_partners;
}

bool in_bounds(const SwarmAnswer& m) {
  return (m.slot < m.members || (m.slot == 0 && m.members == 0)) &&
         m.partners.size() <= max_swarm_partners &&
         std::ranges::all_of(m.partners, [](const SwarmPartner& partner) {
           return !partner.address.empty() && is_name(partner.address);
         });
}

}  // namespace weft::fetcher::wire
