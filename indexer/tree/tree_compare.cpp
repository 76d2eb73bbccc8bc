// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_compare.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weft {
namespace {

// A tree seen as if it were higher: the nodes added above its root have the root as their first
// entry and zero subtrees beside it. So two trees of different height have nodes at the same
// places, and blocks past the end of the smaller image are zero.
class PaddedTree {
 public:
  explicit PaddedTree(const ComparedTree& tree) : tree_(tree) {}

  [[nodiscard]] Digest root_at(unsigned height) {
    NodeBytes bytes{};
    Digest digest = tree_.root;
    for (unsigned level = tree_.shape.height() + 1; level <= height; ++level) {
      set_node_entry(bytes, 0, digest);
      digest = digest_of_node(bytes);
    }
    return digest;
  }

  [[nodiscard]] Result<NodeBytes> load(TreeNode node) {
    NodeBytes bytes{};
    if (node.level > tree_.shape.height()) {
      set_node_entry(bytes, 0, root_at(node.level - 1u));
      return bytes;
    }
    WEFT_TRY(bytes, tree_.load(node));
    // A tree made elsewhere may have entries past its image's end, and no node is there to load.
    const unsigned used = tree_.shape.entries(node);
    std::ranges::fill(std::span(bytes).subspan(used * digest_size), std::byte{0});
    return bytes;
  }

 private:
  const ComparedTree& tree_;
};

class Comparison {
 public:
  Comparison(const ComparedTree& a, const ComparedTree& b,
             std::move_only_function<bool(Difference)>& report)
      : shape_(std::max(a.shape.image_size(), b.shape.image_size())),
        a_(a),
        b_(b),
        report_(report) {}

  Result<void> run() {
    WEFT_TRY(const bool finished,
             subtree(shape_.root(), a_.root_at(shape_.height()), b_.root_at(shape_.height())));
    if (finished && pending_) report_(*pending_);
    return {};
  }

 private:
  // False: the receiver wants no more.
  Result<bool> subtree(TreeNode node, const Digest& a, const Digest& b) {
    if (a == b) return true;
    WEFT_TRY(const auto a_bytes, load(a_, node, a));
    WEFT_TRY(const auto b_bytes, load(b_, node, b));
    if (!a_bytes || !b_bytes) return add({shape_.blocks_below(node), false});
    for (unsigned slot = 0; slot < tree_fanout; ++slot) {
      const Digest a_entry = node_entry(*a_bytes, slot);
      const Digest b_entry = node_entry(*b_bytes, slot);
      if (a_entry == b_entry) continue;
      const TreeNode child = TreeShape::child(node, slot);
      if (node.level == 1) {
        const BlockIndex block(child.index);
        if (block >= BlockIndex(shape_.blocks().value())) break;
        WEFT_TRY(const bool go_on, add({{block, BlockCount(1)}, true}));
        if (!go_on) return false;
      } else {
        if (!shape_.contains(child)) break;
        WEFT_TRY(const bool go_on, subtree(child, a_entry, b_entry));
        if (!go_on) return false;
      }
    }
    return true;
  }

  static Result<std::optional<NodeBytes>> load(PaddedTree& tree, TreeNode node,
                                               const Digest& digest) {
    if (digest.is_zero()) return NodeBytes{};
    auto bytes = tree.load(node);
    if (bytes) return *bytes;
    if (bytes.error().is(Errc::not_resident)) return std::nullopt;
    return std::unexpected(std::move(bytes).error());
  }

  Result<bool> add(Difference next) {
    if (pending_ && pending_->certain == next.certain &&
        pending_->blocks.end() == next.blocks.first) {
      pending_->blocks.count += next.blocks.count;
      return true;
    }
    const bool go_on = !pending_ || report_(*pending_);
    pending_ = next;
    return go_on;
  }

  const TreeShape shape_;  // of the larger image
  PaddedTree a_;
  PaddedTree b_;
  std::move_only_function<bool(Difference)>& report_;
  std::optional<Difference> pending_;  // may still grow
};

}  // namespace

Result<void> compare_trees(const ComparedTree& a, const ComparedTree& b,
                           std::move_only_function<bool(Difference)> report) {
  return Comparison(a, b, report).run();
}

}  // namespace weft
