// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/path_verify.h"

#include <string>

namespace weft {

Result<PathVerdict> verify_path(const ImageInfo& info, BlockIndex block,
                                std::span<const PathNode> path) {
  if (!is_consistent(info)) {
    return fail(Errc::digest_mismatch, Operation::verify, "the image id is not that of its root");
  }
  const TreeShape shape(info.size);
  if (block >= BlockIndex(shape.blocks().value())) {
    return fail(Errc::bad_request, Operation::verify, "block " + std::to_string(block.value()));
  }
  Digest expected = info.root;
  std::size_t used = 0;
  for (const TreeNode node : shape.path_to(block)) {
    if (expected.is_zero()) break;
    const std::string name = std::to_string(node.level) + "/" + std::to_string(node.index);
    if (used == path.size()) return fail(Errc::not_resident, Operation::verify, "node " + name);
    const PathNode& given = path[used++];
    if (given.node != node) {
      return fail(Errc::bad_request, Operation::verify, "node " + name + " expected");
    }
    if (digest_of_node(given.bytes) != expected) {
      return fail(Errc::digest_mismatch, Operation::verify, "node " + name);
    }
    const unsigned slot = node.level == 1
                              ? TreeShape::slot(block)
                              : TreeShape::slot(TreeNode{static_cast<std::uint8_t>(node.level - 1),
                                                         block.value() >> (7 * (node.level - 1))});
    expected = node_entry(given.bytes, slot);
  }
  return PathVerdict{.digest = expected, .nodes = used};
}

}  // namespace weft
