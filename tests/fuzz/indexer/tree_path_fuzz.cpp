// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/tree/path_verify.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

// A peer's path to a block. The input chooses size, block and which nodes come with which bytes; an
// even first byte makes them a chain that fits, so that what lies behind the checks is reached too.
namespace {

std::uint64_t take(std::span<const std::byte>& in, std::size_t n) {
  std::uint64_t value = 0;
  n = std::min(n, in.size());
  std::memcpy(&value, in.data(), n);
  in = in.subspan(n);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  using namespace weft;
  std::span<const std::byte> in = std::as_bytes(std::span(data, length));
  const bool honest = take(in, 1) % 2 == 0;
  const ByteCount size(take(in, 8) % max_image_size.value() + 1);
  const TreeShape shape(size);
  const BlockIndex block(take(in, 8) % (honest ? shape.blocks().value() : ~0ull));
  const std::vector<TreeNode> places =
      shape.path_to(BlockIndex(block.value() % shape.blocks().value()));
  std::vector<NodeBytes> nodes(take(in, 1) % 8);
  std::vector<PathNode> path;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t at = 0; at + 8 <= block_size && !in.empty(); at += 8) {
      const std::uint64_t word = take(in, 8);
      std::memcpy(nodes[i].data() + at, &word, 8);
    }
    TreeNode place = i < places.size() ? places[i] : TreeNode{};
    if (!honest && take(in, 1) % 4 == 0)
      place = {static_cast<std::uint8_t>(take(in, 1)), take(in, 8)};
    path.push_back({place, nodes[i]});
  }
  for (std::size_t i = std::min(nodes.size(), places.size()); honest && i > 1; --i)
    set_node_entry(nodes[i - 2], TreeShape::slot(places[i - 1]), digest_of_node(nodes[i - 1]));
  const Digest root = nodes.empty() ? Digest{} : digest_of_node(nodes[0]);
  ImageInfo info{.id = make_image_id(size, root), .size = size, .root = root};
  const auto verdict = verify_path(info, block, path);
  if (!verdict) return 0;
  WEFT_ASSERT(verdict->nodes <= nodes.size(), "used more nodes than there are");
  if (verdict->nodes == places.size()) {
    WEFT_ASSERT(verdict->digest == node_entry(nodes[places.size() - 1], TreeShape::slot(block)),
                "not the digest in the leaf");
  } else {
    WEFT_ASSERT(verdict->digest.is_zero(), "a digest without a leaf");
  }
  if (verdict->nodes == 0) return 0;
  nodes[verdict->nodes - 1][length % block_size] ^= std::byte{1};
  WEFT_ASSERT(!verify_path(info, block, path), "a changed node passed");
  return 0;
}
