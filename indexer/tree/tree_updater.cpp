// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_updater.h"

#include <algorithm>
#include <array>

namespace weft {
TreeUpdater::TreeUpdater(File& file, ByteCount size, TreeFile& old, OldTree is)
    : shape_(size), file_(file), old_(old), old_is_(is), leaves_(file, size) {}

Result<void> TreeUpdater::put(BlockIndex first, std::span<const Digest> digests) {
  return leaves_.put(first, digests);
}

Result<Digest> TreeUpdater::finish(const NextChanged& next_changed) {
  next_changed_ = &next_changed;
  auto root = build(shape_.root());
  next_changed_ = nullptr;
  return root;
}

ByteOffset TreeUpdater::place_of(TreeNode node) const {
  return ByteOffset(shape_.ordinal(node) * block_size);
}

Result<Digest> TreeUpdater::build(TreeNode node) {
  if (!(*next_changed_)(shape_.blocks_below(node))) {
    WEFT_TRY(const auto taken, take_over(node));
    if (taken) return *taken;
  }
  WEFT_TRY(const NodeBytes bytes, node.level == 1 ? compose_leaf(node) : compose_inner(node));
  const Digest digest = digest_of_node(bytes);
  if (digest.is_zero()) return digest;
  ++hashed_;
  WEFT_CHECK(file_.write_at(place_of(node), bytes));
  return digest;
}

// The digest of a node without changed blocks, with its subtree copied; nullopt if the old tree has
// no node that stands for the same blocks.
Result<std::optional<Digest>> TreeUpdater::take_over(TreeNode node) {
  const TreeShape& old = old_.shape();
  if (node.level > old.height()) return std::nullopt;
  if (!old.contains(node)) return Digest{};  // past the old end, and never put
  if (old.blocks_below(node).end() > shape_.blocks_below(node).end()) return std::nullopt;
  WEFT_TRY(const Digest digest, old_.node_digest(node));
  if (!digest.is_zero()) WEFT_CHECK(copy_subtree(node));
  return digest;
}

// A node that is not zero, and all below it.
Result<void> TreeUpdater::copy_subtree(TreeNode node) {
  const auto loaded = old_.load(node);
  if (!loaded) {
    const bool may_lack = old_is_ == OldTree::in_part && loaded.error().is(Errc::not_resident);
    return may_lack ? Result<void>{} : std::unexpected(loaded.error());
  }
  const NodeBytes& bytes = *loaded;
  WEFT_CHECK(file_.write_at(place_of(node), bytes));
  for (unsigned slot = 0; slot < tree_fanout && node.level > 1; ++slot) {
    if (!node_entry(bytes, slot).is_zero()) {
      WEFT_CHECK(copy_subtree(TreeShape::child(node, slot)));
    }
  }
  return {};
}

Result<NodeBytes> TreeUpdater::compose_leaf(TreeNode leaf) {
  NodeBytes bytes{};
  WEFT_TRY(const std::size_t got, file_.read_at(place_of(leaf), bytes));
  std::ranges::fill(std::span(bytes).subspan(got), std::byte{0});
  const BlockRange blocks = shape_.blocks_below(leaf);
  const BlockRange before = intersect(blocks, BlockRange{BlockIndex(0), old_.shape().blocks()});
  std::optional<std::array<Digest, tree_fanout>> old;  // read when the first of them is needed
  for (BlockIndex block = before.first; block < before.end(); ++block) {
    if ((*next_changed_)({block, BlockCount(1)})) continue;
    if (!old) {
      old.emplace();
      WEFT_CHECK(old_.block_digests(before.first, std::span(*old).first(before.count.value())));
    }
    set_node_entry(bytes, TreeShape::slot(block), (*old)[(block - before.first).value()]);
  }
  return bytes;
}

Result<NodeBytes> TreeUpdater::compose_inner(TreeNode node) {
  NodeBytes bytes{};
  for (unsigned slot = 0; slot < tree_fanout; ++slot) {
    const TreeNode child = TreeShape::child(node, slot);
    if (!shape_.contains(child)) break;
    WEFT_TRY(const Digest digest, build(child));
    set_node_entry(bytes, slot, digest);
  }
  return bytes;
}

}  // namespace weft
