// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_node.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

/// Hash trees over made-up digests, for tests that need no blocks.
namespace weft::test {

/// A digest that depends on `n` alone; never the zero digest.
[[nodiscard]] Digest make_digest(std::uint64_t n);

/// One digest for each character, by the rules of raw_image.h: `.` and `0` are zero.
[[nodiscard]] std::vector<Digest> digests_of(std::string_view picture);

/// Every non-zero node of a tree, made the slow and obvious way: the oracle for the real ones.
struct TreeModel {
  TreeShape shape;
  std::map<TreeNode, NodeBytes> nodes;
  Digest root;

  [[nodiscard]] ImageInfo info() const;
};

/// `digests` by block; blocks that are not listed are zero. `size` has at least the last of them.
[[nodiscard]] TreeModel model_of(ByteCount size, const std::map<std::uint64_t, Digest>& digests);
[[nodiscard]] TreeModel model_of(const std::vector<Digest>& digests);

}  // namespace weft::test
