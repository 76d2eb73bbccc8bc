// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

// What makes blocks readable: tree nodes and commits.
namespace weft {

bool PackImage::mark_zero(BlockRange blocks) {
  if (pack_->map.zero.insert(blocks) == BlockCount(0)) return false;
  mark_dirty(MapPlane::zero, blocks);
  changed();
  return true;
}

void PackImage::mark_own(BlockRange blocks) {
  if (pack_->map.own.insert(blocks) == BlockCount(0)) return;
  mark_dirty(MapPlane::own, blocks);
  changed();
}

Result<void> PackImage::add_node(TreeNode node, std::span<const std::byte> bytes) {
  const PlacedNode placed{node, bytes};
  return std::move(add_nodes({&placed, 1}).front());
}

std::vector<Result<void>> PackImage::add_nodes(std::span<const PlacedNode> nodes) {
  std::vector<Result<void>> outcomes;
  outcomes.reserve(nodes.size());
  const Writing writing(*this);
  if (auto started = writing.start(); !started) {
    outcomes.assign(nodes.size(), started);
    return outcomes;
  }
  std::vector<BlockRange> leaves;
  for (const PlacedNode& placed : nodes)
    outcomes.push_back(put_node(placed, leaves));
  leaves_not_indexed_.fetch_add(leaves.size(), std::memory_order_relaxed);
  // The nodes are here in any case; who sent the last one learns what went wrong.
  auto borrowed = leaves.empty() ? Result<void>{} : borrow_missing(leaves);
  if (!borrowed && outcomes.back()) outcomes.back() = std::move(borrowed);
  return outcomes;
}

Result<void> PackImage::put_node(const PlacedNode& placed, std::vector<BlockRange>& leaves) {
  WEFT_CHECK(tree_.put(placed.node, placed.bytes));
  if (placed.node.level == 1) {
    leaves.push_back(shape().blocks_below(placed.node));
    return {};
  }
  const auto entries = placed.bytes.first<block_size>();
  for (unsigned slot = 0; slot < tree_fanout; ++slot) {
    const TreeNode child = TreeShape::child(placed.node, slot);
    if (!shape().contains(child)) break;
    if (node_entry(entries, slot).is_zero()) mark_zero(shape().blocks_below(child));
  }
  return {};
}

Result<void> PackImage::take_offer(std::span<const BlockIndex> wanted, LendingDesk::Offer offer) {
  WEFT_ASSERT(wanted.size() == offer.size(), "an offer for other blocks");
  const Lock lock(borrow_mutex_);
  std::vector<BorrowRecord> records;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!offer[i]) continue;
    const ImageId& lender = offer[i]->lender->lender_id();
    if (!records.empty()) {
      auto& last = records.back();
      if (last.lender == lender && last.blocks.end() == wanted[i] &&
          last.source + last.blocks.count == offer[i]->block) {
        last.blocks.count += BlockCount(1);
        continue;
      }
    }
    records.push_back({{wanted[i], BlockCount(1)}, lender, offer[i]->block});
  }
  if (records.empty()) return {};
  WEFT_CHECK(borrow_file_.append(records));
  std::vector<BorrowMap::Run> runs;
  for (const auto& r : records)
    runs.push_back({r.blocks, &slot_of(r.lender), r.source});
  borrow_map_.add(runs);
  for (const auto& r : records)
    pack_->map.borrowed.insert(r.blocks);
  changed();
  return {};
}

LenderSlot& PackImage::slot_of(const ImageId& lender) {
  for (const auto& slot : lenders_) {
    if (slot->id() == lender) return *slot;
  }
  return *lenders_.emplace_back(std::make_unique<LenderSlot>(lender));
}

Result<void> PackImage::commit(BlockRange range, std::span<const std::byte> bytes) {
  if (intersect(range, all_blocks()) != range || bytes.size() != bytes_of(range.count).value()) {
    return fail(Errc::bad_request, Operation::commit, "blocks beyond the image's end");
  }
  const Writing writing(*this);
  WEFT_CHECK(writing.start());
  while (!range.empty()) {
    const BlockRange leaf = shape().blocks_below(TreeShape::leaf_of(range.first));
    const auto piece = intersect(range, leaf);
    const std::size_t size = bytes_of(piece.count).value();
    WEFT_CHECK(commit_piece(piece.first, bytes.first(size)));
    bytes = bytes.subspan(size);
    range = BlockRange::between(piece.end(), range.end());
  }
  return {};
}

// Blocks of one leaf. The good ones before the first wrong one are stored.
Result<void> PackImage::commit_piece(BlockIndex first, std::span<const std::byte> bytes) {
  const std::size_t count = bytes.size() / block_size;
  std::array<Digest, tree_fanout> digests;
  WEFT_CHECK(tree_.block_digests(first, std::span(digests).first(count)));
  std::size_t good = 0;
  while (good < count &&
         digest_of_block(bytes.subspan(good * block_size, block_size)) == digests[good]) {
    ++good;
  }
  WEFT_CHECK(store_missing(first, bytes.first(good * block_size), std::span(digests).first(good)));
  if (good == count) return {};
  return fail(Errc::digest_mismatch, Operation::commit,
              "block " + std::to_string((first + BlockCount(good)).value()));
}

Result<void> PackImage::store_missing(BlockIndex first, std::span<const std::byte> bytes,
                                      std::span<const Digest> digests) {
  std::size_t at = 0;
  while (at < digests.size()) {
    const BlockIndex block = first + BlockCount(at);
    if (digests[at].is_zero()) mark_zero({block, BlockCount(1)});
    std::size_t end = at;
    while (end < digests.size() && !digests[end].is_zero() &&
           !pack_->map.readable({first + BlockCount(end), BlockCount(1)})) {
      ++end;
    }
    if (end == at) {
      ++at;
      continue;
    }
    WEFT_CHECK(store_blocks(block, bytes.subspan(at * block_size, (end - at) * block_size)));
    at = end;
  }
  return {};
}

// Data, then sums, then bits: who sees a bit finds both.
Result<void> PackImage::store_blocks(BlockIndex first, std::span<const std::byte> bytes) {
  WEFT_CHECK(env_.space.reserve(ByteCount(bytes.size())));
  WEFT_CHECK(pack_->own().write_at(offset_of(first), bytes));
  std::array<std::uint64_t, tree_fanout> sums;
  const std::size_t count = bytes.size() / block_size;
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = xxh3(bytes.subspan(i * block_size, block_size));
  }
  WEFT_CHECK(sums_.store(first, std::span(sums).first(count)));
  const BlockRange range{first, BlockCount(count)};
  pack_->map.checked.insert(range);
  mark_own(range);
  return {};
}

}  // namespace weft
