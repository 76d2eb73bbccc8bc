// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/tree_model.h"

#include "tests/support/indexer/raw_image.h"

#include <array>

namespace weft::test {

Digest make_digest(std::uint64_t n) {
  std::array<std::byte, Digest::size> bytes;
  fill_random(bytes, n);
  return Digest::from(bytes);
}

std::vector<Digest> digests_of(std::string_view picture) {
  std::vector<Digest> digests;
  for (const char c : picture)
    digests.push_back(c == '.' || c == '0' ? Digest{} : digest_of_block(block_of(c)));
  return digests;
}

ImageInfo TreeModel::info() const {
  return {.id = make_image_id(shape.image_size(), root), .size = shape.image_size(), .root = root};
}

TreeModel model_of(ByteCount size, const std::map<std::uint64_t, Digest>& digests) {
  TreeModel model{.shape = TreeShape(size), .nodes = {}, .root = {}};
  std::map<std::uint64_t, Digest> below = digests;
  for (unsigned level = 1; level <= model.shape.height(); ++level) {
    std::map<std::uint64_t, NodeBytes> nodes;
    for (const auto& [index, digest] : below) {
      if (!digest.is_zero())
        set_node_entry(nodes[index / tree_fanout], static_cast<unsigned>(index % tree_fanout),
                       digest);
    }
    below.clear();
    for (const auto& [index, bytes] : nodes) {
      below[index] = sha256(bytes);
      model.nodes[TreeNode{static_cast<std::uint8_t>(level), index}] = bytes;
    }
  }
  if (!below.empty()) model.root = below.at(0);
  return model;
}

TreeModel model_of(const std::vector<Digest>& digests) {
  std::map<std::uint64_t, Digest> by_block;
  for (std::size_t i = 0; i < digests.size(); ++i)
    by_block[i] = digests[i];
  return model_of(bytes_of(BlockCount(digests.size())), by_block);
}

}  // namespace weft::test
