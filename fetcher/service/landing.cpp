// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/landing.h"

#include "fetcher/service/lookup.h"
#include "fetcher/wire/batch.h"
#include "indexer/core/hash.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr BlockCount one(1);

void lied(LandedBlocks& result, BlockRange range, std::string what) {
  append_run(result.wrong, range);
  if (!result.lie) {
    result.lie = Error{make_error_code(Errc::digest_mismatch), Operation::verify, std::move(what)};
  }
}

/// The part of a batch below one leaf.
class Piece {
 public:
  Piece(LocalImage& image, const LooseTree& loose, LandedBlocks& result)
      : image_(image), loose_(loose), result_(result) {}

  void data(BlockRange range, std::span<const std::byte> bytes) {
    const Result<void> committed = image_.commit(range, bytes);
    if (committed) return append_run(result_.readable, range);
    const Error& error = committed.error();
    if (!error.is(Errc::digest_mismatch) && !error.is(Errc::not_resident)) {
      result_.store_error = error;
    }
    for (BlockIndex at = range.first; at < range.end(); ++at) {
      settle(at, bytes.subspan((at - range.first).value() * block_size).first<block_size>());
    }
  }

  void zero(BlockRange range) {
    for (BlockIndex at = range.first; at < range.end(); ++at) {
      if (image_.readable({at, one})) {
        append_run(result_.zero, {at, one});
        continue;
      }
      settle(at, zeros());
    }
  }

 private:
  static std::span<const std::byte, block_size> zeros() {
    static const NodeBytes bytes{};
    return bytes;
  }

  /// A block the store did not take.
  void settle(BlockIndex block, std::span<const std::byte, block_size> bytes) {
    if (image_.readable({block, one})) return append_run(result_.readable, {block, one});
    const Result<Digest> expected = loose_.block_digest(image_, block);
    if (!expected) {
      unproved(block, expected.error());
    } else if (digest_of_block(bytes) == *expected) {
      auto copy = std::make_shared<NodeBytes>();
      std::ranges::copy(bytes, copy->begin());
      result_.loose.push_back({block, std::move(copy)});
    } else {
      lied(result_, {block, one}, "block " + std::to_string(block.value()));
    }
  }

  void unproved(BlockIndex block, const Error& error) {
    append_run(result_.unproved, {block, one});
    if (!error.is(Errc::not_resident)) {
      result_.store_error = error;
      return;
    }
    if (const auto found = look_up_missing(image_, {block, one})) {
      for (const TreeNode& node : found->nodes) {
        if (std::ranges::find(result_.missing, node) == result_.missing.end())
          result_.missing.push_back(node);
      }
    }
  }

  LocalImage& image_;
  const LooseTree& loose_;
  LandedBlocks& result_;
};

/// Cuts at leaf borders, so that one missing leaf does not hold up its neighbours.
template <class Visit>
void for_each_leaf(const TreeShape& shape, BlockRange range, Visit&& visit) {
  while (!range.empty()) {
    const BlockRange part = intersect(range, shape.blocks_below(TreeShape::leaf_of(range.first)));
    visit(part);
    range = BlockRange::between(part.end(), range.end());
  }
}

}  // namespace

LandedBlocks land_blocks(LocalImage& image, const LooseTree& loose, const wire::BlockBatch& batch) {
  LandedBlocks result;
  Piece piece(image, loose, result);
  const TreeShape& shape = image.shape();
  if (Result<std::vector<std::byte>> bytes = wire::unpack(batch)) {
    std::span<const std::byte> left = *bytes;
    for (const BlockRange& range : batch.ranges) {
      for_each_leaf(shape, range, [&](BlockRange part) {
        const std::size_t size = bytes_of(part.count).value();
        piece.data(part, left.first(size));
        left = left.subspan(size);
      });
    }
  } else {
    for (const BlockRange& range : batch.ranges)
      lied(result, range, bytes.error().message());
  }
  for (const BlockRange& range : batch.zero) {
    for_each_leaf(shape, range, [&](BlockRange part) { piece.zero(part); });
  }
  return result;
}

namespace {

/// Blocks that a node proves to be zero, or that became borrowed with it.
void collect_readable(const LocalImage& image, TreeNode node, const NodeBytes& bytes,
                      std::vector<BlockRange>& readable) {
  const TreeShape& shape = image.shape();
  if (node.level == 1) {
    for (const BlockRange& part : readable_parts(image, shape.blocks_below(node))) {
      readable.push_back(part);
    }
    return;
  }
  for (unsigned slot = 0; slot < tree_fanout; ++slot) {
    const TreeNode child = TreeShape::child(node, slot);
    if (!shape.contains(child)) return;
    if (is_all_zero(std::span(bytes).subspan(slot * Digest::size, Digest::size))) {
      readable.push_back(shape.blocks_below(child));
    }
  }
}

/// The node on the path to `node` that is not here, topmost first; nullopt: `node` is known.
Result<std::optional<TreeNode>> first_gap(LocalImage& image, TreeNode node) {
  WEFT_TRY(const auto top, image.first_missing_node(image.shape().blocks_below(node).first));
  if (!top || top->level < node.level) return std::nullopt;
  return top;
}

void land_node(LocalImage& image, LooseTree& loose, wire::TreeNodes::Entry entry,
               LandedNodes& result) {
  const auto gap = first_gap(image, entry.node);
  if (gap && !*gap) {
    result.landed.push_back(entry.node);
    collect_readable(image, entry.node, entry.bytes, result.readable);
    return;
  }
  Result<void> added = fail(Errc::not_resident, Operation::commit);
  if (gap && **gap == entry.node) {
    added = image.add_node(entry.node, entry.bytes);
    if (!added && !added.error().is(Errc::digest_mismatch)) result.store_error = added.error();
  }
  if (!added && !added.error().is(Errc::digest_mismatch)) {
    added = loose.add(image, entry.node, entry.bytes);
  }
  if (added) {
    result.landed.push_back(entry.node);
    collect_readable(image, entry.node, entry.bytes, result.readable);
  } else if (added.error().is(Errc::digest_mismatch)) {
    result.wrong.push_back(entry.node);
  } else {
    for (TreeNode at = entry.node; gap && at != **gap && at != image.shape().root();) {
      at = TreeShape::parent(at);
      if (std::ranges::find(result.missing, at) == result.missing.end())
        result.missing.push_back(at);
    }
    result.waiting.push_back(std::move(entry));
  }
}

}  // namespace

LandedNodes land_nodes(LocalImage& image, LooseTree& loose,
                       std::vector<wire::TreeNodes::Entry> nodes) {
  LandedNodes result;
  // Parents before children.
  std::ranges::sort(nodes, std::ranges::greater{}, [](const auto& e) { return e.node.level; });
  std::vector<PlacedNode> placed;
  for (const wire::TreeNodes::Entry& entry : nodes)
    placed.push_back({entry.node, entry.bytes});
  const std::vector<Result<void>> added = image.add_nodes(placed);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (added[i]) {
      result.landed.push_back(nodes[i].node);
      collect_readable(image, nodes[i].node, nodes[i].bytes, result.readable);
    } else {
      land_node(image, loose, std::move(nodes[i]), result);
    }
  }
  return result;
}

}  // namespace weft::fetcher
