// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_builder.h"

#include "indexer/core/assert.h"

#include <utility>

namespace weft {

TreeBuilder::TreeBuilder(ByteCount size, Sink sink) : shape_(size), sink_(std::move(sink)) {}

Result<void> TreeBuilder::append(std::span<const Digest> digests) {
  WEFT_ASSERT(digests.size() <= shape_.blocks().value() - next_, "more digests than blocks");
  for (const Digest& digest : digests) {
    set_entry(1, next_, digest);
    WEFT_CHECK(move_to(next_ + 1));
  }
  return {};
}

Result<void> TreeBuilder::append_zero(BlockCount count) {
  WEFT_ASSERT(count.value() <= shape_.blocks().value() - next_, "more digests than blocks");
  return move_to(next_ + count.value());
}

Result<Digest> TreeBuilder::finish() {
  WEFT_ASSERT(next_ == shape_.blocks().value(), "digests are missing");
  // Nodes at the right edge may be partly filled. Those that are closed already are empty now.
  for (unsigned level = 1; level <= shape_.height(); ++level)
    WEFT_CHECK(close(level, shape_.nodes_at(level) - 1));
  return root_;
}

void TreeBuilder::set_entry(unsigned level, std::uint64_t child, const Digest& digest) {
  if (digest.is_zero()) return;
  set_node_entry(open_[level].bytes, static_cast<unsigned>(child % tree_fanout), digest);
  open_[level].used = true;
}

Result<void> TreeBuilder::close(unsigned level, std::uint64_t index) {
  OpenNode& node = open_[level];
  if (!node.used) return {};
  const Digest digest = digest_of_node(node.bytes);
  WEFT_CHECK(sink_(TreeNode{static_cast<std::uint8_t>(level), index}, node.bytes));
  if (level == shape_.height()) {
    root_ = digest;
  } else {
    set_entry(level + 1, index, digest);
  }
  node = OpenNode{};
  return {};
}

Result<void> TreeBuilder::move_to(std::uint64_t next) {
  std::uint64_t from = std::exchange(next_, next);
  for (unsigned level = 1; level <= shape_.height(); ++level) {
    from /= tree_fanout;
    next /= tree_fanout;
    if (from == next) break;
    WEFT_CHECK(close(level, from));
  }
  return {};
}

}  // namespace weft
