// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Tree nodes compressed against trees that the receiver has (WIRE.md §5.1): the messages, their
/// bounds, and what of them is plain arithmetic. Needs `feature_tree_pack` on both sides. Pure.
namespace weft::fetcher::wire {

/// Bit of Hello's features: the sender answers TreePackRequest.
inline constexpr std::uint64_t feature_tree_pack = 1u << 1;

inline constexpr std::uint32_t max_packed_nodes = 1024;      ///< in a TreePackRequest: 4 MiB
inline constexpr std::uint32_t max_bases = 8;                ///< in a TreePackRequest
inline constexpr std::uint32_t max_prefix_nodes = 4096;      ///< of a pack: 16 MiB
inline constexpr std::uint32_t max_node_runs = 1024;         ///< of a request, of a pack's prefix
inline constexpr std::uint32_t max_pack_piece = 128u << 10;  ///< bytes of a pack in one frame

/// Consecutive nodes of one level.
struct NodeRun {
  std::uint8_t level = 1;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const NodeRun&, const NodeRun&) = default;
};

/// Nodes of one base's tree, as a part of a prefix.
struct PrefixRun {
  std::uint8_t base = 0;  ///< position in the request's `bases`
  NodeRun nodes;
  friend bool operator==(const PrefixRun&, const PrefixRun&) = default;
};

struct TreePackRequest {
  ImageId image;
  /// Images whose whole trees the asker has, the most similar first.
  std::vector<ImageId> bases;
  std::vector<NodeRun> nodes;  ///< top levels first, each from the left; runs do not touch
  friend bool operator==(const TreePackRequest&, const TreePackRequest&) = default;
};

/// One frame of the answer. A *pack* is one zstd frame over `nodes`, made with the nodes of
/// `prefix` as its prefix; it comes in pieces, the first of which says what is in it.
struct TreePack {
  bool more = false;       ///< further frames of this answer follow
  bool continued = false;  ///< `bytes` go on with the pack of the frame before
  std::vector<NodeRun> nodes;
  std::vector<PrefixRun> prefix;
  std::vector<std::byte> bytes;
  friend bool operator==(const TreePack&, const TreePack&) = default;
};

[[nodiscard]] bool in_bounds(const TreePackRequest& m);
[[nodiscard]] bool in_bounds(const TreePack& m);

/// Sum of the counts.
[[nodiscard]] std::uint64_t count_nodes(std::span<const NodeRun> runs);
[[nodiscard]] std::uint64_t count_nodes(std::span<const PrefixRun> runs);
/// The nodes as runs in the order of a request. `nodes` has each once, in any order.
[[nodiscard]] std::vector<NodeRun> to_runs(std::vector<TreeNode> nodes);
/// At most max_packed_nodes of them are in `runs`, or it is within the bounds of a message.
[[nodiscard]] std::vector<TreeNode> to_nodes(std::span<const NodeRun> runs);
/// What a pack of so many nodes may take at most: what does not compress costs little more.
[[nodiscard]] constexpr std::size_t max_pack_size(std::uint64_t nodes) {
  return static_cast<std::size_t>(nodes) * 4096 + 1024;
}

}  // namespace weft::fetcher::wire
