// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/fill.h"

#include <algorithm>
#include <vector>

namespace weft {

Result<void> fill_path(LocalImage& image, TreeFile& tree, BlockIndex block) {
  for (;;) {
    WEFT_TRY(const auto absent, image.first_missing_node(block));
    if (!absent) return {};
    WEFT_TRY(const NodeBytes node, tree.load(*absent));
    WEFT_CHECK(image.add_node(*absent, node));
  }
}

Result<void> fill(LocalImage& image, TreeFile& tree, File& data) {
  return fill(image, tree, [&](BlockRange blocks, std::span<std::byte> out) -> Result<void> {
    WEFT_TRY(const std::size_t got, data.read_at(offset_of(blocks.first), out));
    std::ranges::fill(out.subspan(got), std::byte{0});
    return {};
  });
}

Result<void> fill(LocalImage& image, TreeFile& tree, const ReadBlocks& read) {
  std::vector<std::byte> bytes(tree_fanout * block_size);
  BlockRange rest{BlockIndex(0), image.shape().blocks()};
  while (const auto missing = image.next_missing(rest)) {
    const BlockIndex block = missing->first;
    WEFT_CHECK(fill_path(image, tree, block));
    // The leaf may have made some of it readable: zero, or found in another image.
    const auto leaf = image.shape().blocks_below(TreeShape::leaf_of(block));
    if (const auto piece = image.next_missing(intersect(*missing, leaf))) {
      const auto part = std::span(bytes).first(bytes_of(piece->count).value());
      WEFT_CHECK(read(*piece, part));
      WEFT_CHECK(image.commit(*piece, part));
      rest = BlockRange::between(piece->first, rest.end());
      continue;
    }
    rest = BlockRange::between(leaf.end(), rest.end());
  }
  return image.flush();
}

}  // namespace weft
