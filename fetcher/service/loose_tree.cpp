// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/loose_tree.h"

#include "indexer/core/hash.h"

#include <span>

namespace weft::fetcher {
namespace {

Digest entry(const NodeBytes& node, unsigned slot) {
  return Digest::from(std::span(node).subspan(slot * Digest::size).first<Digest::size>());
}

}  // namespace

Result<NodeBytes> LooseTree::node(LocalImage& image, TreeNode node) const {
  Result<NodeBytes> stored = image.node(node);
  if (stored || !stored.error().is(Errc::not_resident)) return stored;
  const Lock lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return stored;
  return *it->second;
}

Result<void> LooseTree::add(LocalImage& image, TreeNode node, const NodeBytes& bytes) {
  Digest expected = image.info().root;
  if (node != image.shape().root()) {
    WEFT_TRY(const NodeBytes parent, this->node(image, TreeShape::parent(node)));
    expected = entry(parent, TreeShape::slot(node));
  }
  if (digest_of_block(bytes) != expected) {
    return fail(Errc::digest_mismatch, Operation::verify, "tree node");
  }
  const Lock lock(mutex_);
  if (nodes_.size() >= limit) nodes_.clear();
  nodes_[node] = std::make_shared<const NodeBytes>(bytes);
  return {};
}

Result<Digest> LooseTree::block_digest(LocalImage& image, BlockIndex block) const {
  WEFT_TRY(const NodeBytes leaf, node(image, TreeShape::leaf_of(block)));
  return entry(leaf, TreeShape::slot(block));
}

}  // namespace weft::fetcher
