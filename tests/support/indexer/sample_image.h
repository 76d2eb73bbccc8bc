// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/assert.h"
#include "indexer/core/hash.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_builder.h"
#include "indexer/tree/tree_node.h"
#include "tests/support/indexer/raw_image.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::test {

/// An image in memory with its tree: what another node would send.
struct SampleImage {
  std::vector<std::byte> bytes;  ///< whole blocks
  std::vector<Digest> digests;
  std::map<TreeNode, NodeBytes> nodes;  ///< that are not zero
  ImageInfo info;

  explicit SampleImage(std::vector<std::byte> content) : bytes(std::move(content)) {
    const ByteCount size(bytes.size());
    bytes.resize(bytes_of(blocks_for(size)).value());
    for (std::size_t at = 0; at < bytes.size(); at += block_size) {
      digests.push_back(digest_of_block(std::span(bytes).subspan(at, block_size)));
    }
    TreeBuilder builder(size, [this](TreeNode node, const NodeBytes& node_bytes) -> Result<void> {
      nodes[node] = node_bytes;
      return {};
    });
    const auto appended = builder.append(digests);
    const auto root = builder.finish();
    WEFT_ASSERT(appended && root, "building a tree in memory cannot fail");
    info = ImageInfo{make_image_id(size, *root), size, *root};
  }

  /// Drawn as in raw_image.h: '.' is zero, the same letter is the same content everywhere.
  static SampleImage picture(std::string_view blocks) { return SampleImage(raw_bytes(blocks)); }

  [[nodiscard]] BlockCount blocks() const { return BlockCount(digests.size()); }
  [[nodiscard]] std::span<const std::byte> block(std::uint64_t index,
                                                 std::uint64_t count = 1) const {
    return std::span(bytes).subspan(index * block_size, count * block_size);
  }

  /// Of the blocks that are not zero, ascending, each once: a full signature.
  [[nodiscard]] std::vector<DigestKey> keys() const {
    std::vector<DigestKey> all;
    for (const Digest& digest : digests) {
      if (!digest.is_zero()) all.push_back(digest_key(digest));
    }
    std::ranges::sort(all);
    const auto repeated = std::ranges::unique(all);
    all.erase(repeated.begin(), repeated.end());
    return all;
  }

  /// Gives `image` the whole tree, from the root down.
  [[nodiscard]] Result<void> send_tree(LocalImage& image) const {
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      WEFT_CHECK(image.add_node(node->first, node->second));
    }
    return {};
  }
  [[nodiscard]] Result<void> send_blocks(LocalImage& image, std::uint64_t first,
                                         std::uint64_t count) const {
    return image.commit({BlockIndex(first), BlockCount(count)}, block(first, count));
  }
};

}  // namespace weft::test
