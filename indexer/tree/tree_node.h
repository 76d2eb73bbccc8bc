// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/hash.h"
#include "indexer/core/units.h"
#include "indexer/tree/tree_shape.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace weft {

/// The bytes of a tree node: 128 digests, one after the other. All zeros = a zero subtree.
using NodeBytes = std::array<std::byte, block_size>;

inline constexpr std::size_t digest_size = Digest::size;
static_assert(tree_fanout * digest_size == block_size, "a node is as large as a block");

/// Entry `slot` (0 … 127): the name of that child, or of that block.
[[nodiscard]] inline Digest node_entry(std::span<const std::byte, block_size> node, unsigned slot) {
  return Digest::from(node.subspan(slot * digest_size).first<digest_size>());
}

inline void set_node_entry(NodeBytes& node, unsigned slot, const Digest& digest) {
  std::memcpy(node.data() + slot * digest_size, digest.bytes.data(), digest_size);
}

/// Name of a node. All zeros have the zero digest, as for a block: no node that is stored or sent
/// is all zeros, and none of that content can be named by another digest.
[[nodiscard]] inline Digest digest_of_node(std::span<const std::byte, block_size> node) {
  return digest_of_block(node);
}

}  // namespace weft
