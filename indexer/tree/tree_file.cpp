// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_file.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft {
namespace {

std::string describe(TreeNode node) {
  return "tree node " + std::to_string(node.level) + "/" + std::to_string(node.index);
}

}  // namespace

TreeFile::TreeFile(std::unique_ptr<File> file, const ImageInfo& info)
    : info_(info), shape_(info.size), file_(std::move(file)), verified_(shape_.total_nodes()) {}

ByteOffset TreeFile::place_of(TreeNode node) const {
  return ByteOffset(shape_.ordinal(node) * block_size);
}

Result<NodeBytes> TreeFile::read_node(TreeNode node) {
  NodeBytes bytes{};  // the file may end before nodes that were never put
  WEFT_CHECK(file_->read_at(place_of(node), bytes));
  return bytes;
}

Result<void> TreeFile::read_entries(TreeNode node, unsigned first, std::span<Digest> out) {
  const auto bytes = std::as_writable_bytes(out);
  WEFT_TRY(const std::size_t got,
           file_->read_at(place_of(node) + ByteCount(first * digest_size), bytes));
  std::ranges::fill(bytes.subspan(got), std::byte{0});
  return {};
}

// Compares a node with the digest it must have, unless that was done before.
Result<TreeFile::State> TreeFile::check(TreeNode node, const Digest& expected) {
  if (expected.is_zero()) return State::zero;
  const std::uint64_t ordinal = shape_.ordinal(node);
  if (verified_.test(ordinal)) return State::present;
  WEFT_TRY(const NodeBytes bytes, read_node(node));
  if (digest_of_node(bytes) != expected) return State::absent;
  verified_.set(ordinal);
  return State::present;
}

// What the parent, which is present, or the image id says about `node`.
Result<Digest> TreeFile::expected_digest(TreeNode node) {
  if (node == shape_.root()) return info_.root;
  Digest digest;
  WEFT_CHECK(read_entries(TreeShape::parent(node), TreeShape::slot(node), {&digest, 1}));
  return digest;
}

// Goes up to the nearest node that was compared before, then down again, comparing.
Result<TreeFile::Located> TreeFile::locate(TreeNode node) {
  WEFT_ASSERT(shape_.contains(node), "tree node outside of the image");
  std::array<TreeNode, max_tree_height> below;
  std::size_t count = 0;
  for (TreeNode up = node; !verified_.test(shape_.ordinal(up)); up = TreeShape::parent(up)) {
    below[count++] = up;
    if (up == shape_.root()) break;
  }
  while (count > 0) {
    const TreeNode next = below[--count];
    WEFT_TRY(const Digest expected, expected_digest(next));
    WEFT_TRY(const State state, check(next, expected));
    if (state != State::present) return Located{state, next};
  }
  return Located{State::present, node};
}

Result<NodeBytes> TreeFile::load(TreeNode node) {
  WEFT_TRY(const Located found, locate(node));
  if (found.state == State::present) return read_node(node);
  if (found.state == State::zero) return NodeBytes{};
  return fail(Errc::not_resident, Operation::read, describe(found.at));
}

Result<Digest> TreeFile::node_digest(TreeNode node) {
  WEFT_ASSERT(shape_.contains(node), "tree node outside of the image");
  if (node == shape_.root()) return info_.root;
  WEFT_TRY(const Located parent, locate(TreeShape::parent(node)));
  if (parent.state == State::present) return expected_digest(node);
  if (parent.state == State::zero) return Digest{};
  return fail(Errc::not_resident, Operation::read, describe(parent.at));
}

Result<void> TreeFile::put(TreeNode node, std::span<const std::byte> bytes) {
  if (!shape_.contains(node) || bytes.size() != block_size) {
    return fail(Errc::bad_request, Operation::commit, describe(node) + " is not of this image");
  }
  if (node != shape_.root()) {
    WEFT_TRY(const Located parent, locate(TreeShape::parent(node)));
    if (parent.state == State::absent) {
      return fail(Errc::not_resident, Operation::commit, describe(parent.at) + " must come first");
    }
    if (parent.state == State::zero) {
      if (is_all_zero(bytes)) return {};
      return fail(Errc::digest_mismatch, Operation::verify, describe(node));
    }
  }
  WEFT_TRY(const Digest expected, expected_digest(node));
  if (digest_of_block(bytes) != expected) {
    return fail(Errc::digest_mismatch, Operation::verify, describe(node));
  }
  const std::uint64_t ordinal = shape_.ordinal(node);
  if (expected.is_zero() || verified_.test(ordinal)) return {};
  WEFT_CHECK(file_->write_at(place_of(node), bytes));
  verified_.set(ordinal);
  return {};
}

Result<Digest> TreeFile::block_digest(BlockIndex block) {
  Digest digest;
  WEFT_CHECK(block_digests(block, {&digest, 1}));
  return digest;
}

Result<void> TreeFile::block_digests(BlockIndex first, std::span<Digest> out) {
  WEFT_ASSERT(first + BlockCount(out.size()) <= BlockIndex(shape_.blocks().value()),
              "blocks outside of the image");
  while (!out.empty()) {
    const TreeNode leaf = TreeShape::leaf_of(first);
    const unsigned slot = TreeShape::slot(first);
    const auto part = out.first(std::min<std::size_t>(out.size(), tree_fanout - slot));
    WEFT_TRY(const Located found, locate(leaf));
    if (found.state == State::absent) {
      return fail(Errc::not_resident, Operation::read, describe(found.at));
    }
    if (found.state == State::zero) {
      std::ranges::fill(part, Digest{});
    } else {
      WEFT_CHECK(read_entries(leaf, slot, part));
    }
    first += BlockCount(part.size());
    out = out.subspan(part.size());
  }
  return {};
}

Result<std::optional<TreeNode>> TreeFile::first_absent(BlockIndex block) {
  WEFT_TRY(const Located found, locate(TreeShape::leaf_of(block)));
  if (found.state == State::absent) return found.at;
  return std::nullopt;
}

// Visits, from left to right, the zero and absent subtrees and the present leaves with blocks in
// `range`: visit(state, node, blocks) → Result<bool>, false to stop.
template <class Visit>
Result<bool> TreeFile::walk(TreeNode node, const Digest& expected, BlockRange range, Visit& visit) {
  const BlockRange blocks = intersect(shape_.blocks_below(node), range);
  if (blocks.empty()) return true;
  WEFT_TRY(const State state, check(node, expected));
  if (state != State::present || node.level == 1) return visit(state, node, blocks);
  WEFT_TRY(const NodeBytes bytes, read_node(node));
  for (unsigned slot = 0; slot < tree_fanout; ++slot) {
    const TreeNode child = TreeShape::child(node, slot);
    if (!shape_.contains(child)) break;
    WEFT_TRY(const bool go_on, walk(child, node_entry(bytes, slot), blocks, visit));
    if (!go_on) return false;
  }
  return true;
}

Result<std::optional<TreeNode>> TreeFile::next_absent(BlockRange range) {
  std::optional<TreeNode> found;
  auto visit = [&](State state, TreeNode node, BlockRange) -> Result<bool> {
    if (state == State::absent) found = node;
    return !found;
  };
  WEFT_CHECK(walk(shape_.root(), info_.root, range, visit));
  return found;
}

// First block that is known to be zero, or that is not.
Result<std::optional<BlockIndex>> TreeFile::find(BlockRange range, bool zero) {
  std::optional<BlockIndex> found;
  auto visit = [&](State state, TreeNode node, BlockRange blocks) -> Result<bool> {
    if (state == State::present) {
      WEFT_TRY(const NodeBytes leaf, read_node(node));
      for (BlockIndex block = blocks.first; block < blocks.end() && !found; ++block) {
        if (node_entry(leaf, TreeShape::slot(block)).is_zero() == zero) found = block;
      }
    } else if ((state == State::zero) == zero) {
      found = blocks.first;
    }
    return !found;
  };
  WEFT_CHECK(walk(shape_.root(), info_.root, range, visit));
  return found;
}

Result<std::optional<BlockIndex>> TreeFile::first_data(BlockRange range) {
  return find(range, false);
}

Result<std::optional<BlockIndex>> TreeFile::first_zero(BlockRange range) {
  return find(range, true);
}

Result<std::optional<BlockRange>> TreeFile::next_data(BlockRange range) {
  WEFT_TRY(const auto first, first_data(range));
  if (!first) return std::nullopt;
  const BlockRange rest = BlockRange::between(*first, range.end());
  WEFT_TRY(const auto end, first_zero(rest));
  return intersect(BlockRange::between(*first, end.value_or(rest.end())),
                   shape_.blocks_below(shape_.root()));
}

Result<void> TreeFile::each_data(BlockRange range,
                                 const std::function<bool(BlockIndex, const Digest&)>& visit) {
  auto visit_node = [&](State state, TreeNode node, BlockRange blocks) -> Result<bool> {
    if (state == State::zero) return true;
    if (state == State::absent) return fail(Errc::not_resident, Operation::read, describe(node));
    WEFT_TRY(const NodeBytes leaf, read_node(node));
    for (BlockIndex block = blocks.first; block < blocks.end(); ++block) {
      const Digest digest = node_entry(leaf, TreeShape::slot(block));
      if (!digest.is_zero() && !visit(block, digest)) return false;
    }
    return true;
  };
  WEFT_CHECK(walk(shape_.root(), info_.root, range, visit_node));
  return {};
}

}  // namespace weft
