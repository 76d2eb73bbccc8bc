// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/graft.h"

#include "fetcher/wire/pack_codec.h"
#include "indexer/core/hash.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t nodes_at_once = 256;  // 1 MiB

class Graft {
 public:
  Graft(LocalImage& image, const RelativeImages& relatives, BlockRange window)
      : image_(image),
        relatives_(relatives),
        window_(intersect(window, {BlockIndex(0), image.shape().blocks()})) {}

  Result<std::uint64_t> run() {
    BlockIndex at = window_.first;
    while (at < window_.end()) {
      const auto data = image_.next_data(BlockRange::between(at, window_.end()));
      if (!data) break;
      at = data->first;
      while (at < data->end()) {
        WEFT_TRY(const auto missing, image_.first_missing_node(at));
        if (missing) WEFT_CHECK(copy_below(*missing));
        at = image_.shape().blocks_below(missing.value_or(TreeShape::leaf_of(at))).end();
      }
    }
    return copied_;
  }

 private:
  /// Copies the topmost missing node `top` and what is below it in the window, if a relative has
  /// the same node.
  Result<void> copy_below(TreeNode top) {
    WEFT_TRY(const Digest expected, expected_digest(top));
    for (const auto& relative : relatives_) {
      if (relative == nullptr || !has(*relative, top, expected)) continue;
      WEFT_CHECK(collect(*relative, top));
      return store();
    }
    return {};
  }

  Result<Digest> expected_digest(TreeNode node) {
    if (node == image_.shape().root()) return image_.info().root;
    WEFT_TRY(const NodeBytes parent, image_.node(TreeShape::parent(node)));
    return node_entry(parent, TreeShape::slot(node));
  }

  static bool has(LocalImage& relative, TreeNode node, const Digest& expected) {
    if (!relative.shape().contains(node)) return false;
    if (node != relative.shape().root()) {
      // The entry above it tells without reading it.
      const auto parent = relative.node(TreeShape::parent(node));
      if (!parent || node_entry(*parent, TreeShape::slot(node)) != expected) return false;
    } else if (relative.info().root != expected) {
      return false;
    }
    return relative.node(node).has_value();
  }

  // Everything below an equal node is equal.
  Result<void> collect(LocalImage& from, TreeNode node) {
    if (intersect(image_.shape().blocks_below(node), window_).empty()) return {};
    const auto bytes = from.node(node);
    if (!bytes || is_all_zero(*bytes)) return {};  // gone meanwhile, or nothing to copy
    nodes_.push_back(node);
    bytes_.push_back(*bytes);
    if (nodes_.size() == nodes_at_once) WEFT_CHECK(store());
    for (unsigned slot = 0; node.level > 1 && slot < image_.shape().entries(node); ++slot) {
      if (node_entry(*bytes, slot).is_zero()) continue;
      WEFT_CHECK(collect(from, TreeShape::child(node, slot)));
    }
    return {};
  }

  Result<void> store() {
    std::vector<PlacedNode> placed;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      placed.push_back({nodes_[i], bytes_[i]});
    for (const Result<void>& added : image_.add_nodes(placed)) {
      if (added) ++copied_;
      // Below a node that was not copied nothing can be; the rest of a tree is fetched.
      const bool harmless =
          added || added.error().is(Errc::not_resident) || added.error().is(Errc::digest_mismatch);
      if (!harmless) return std::unexpected(added.error());
    }
    nodes_.clear();
    bytes_.clear();
    return {};
  }

  LocalImage& image_;
  const RelativeImages& relatives_;
  const BlockRange window_;
  std::vector<TreeNode> nodes_;  // to be stored, parents before children
  std::vector<NodeBytes> bytes_;
  std::uint64_t copied_ = 0;
};

Result<std::vector<std::byte>> load_prefix(const std::vector<wire::PrefixRun>& runs,
                                           const RelativeImages& bases) {
  std::vector<std::byte> prefix;
  prefix.reserve(wire::count_nodes(runs) * block_size);
  for (const wire::PrefixRun& run : runs) {
    if (run.base >= bases.size() || bases[run.base] == nullptr) {
      return fail(Errc::not_resident, Operation::read, "a base of a tree pack is not here");
    }
    LocalImage& base = *bases[run.base];
    for (const TreeNode node : wire::to_nodes(std::span(&run.nodes, 1))) {
      if (!base.shape().contains(node)) {
        return fail(Errc::peer_misbehaved, Operation::decode,
                    "tree pack: the prefix names a node that cannot be");
      }
      WEFT_TRY(const NodeBytes bytes, base.node(node));
      prefix.insert(prefix.end(), bytes.begin(), bytes.end());
    }
  }
  return prefix;
}

}  // namespace

Result<std::uint64_t> graft(LocalImage& image, const RelativeImages& relatives, BlockRange window) {
  if (relatives.empty()) return 0;
  return Graft(image, relatives, window).run();
}

Result<Missing> look_up_missing(LocalImage& image, BlockRange range, RelativeTrees* relatives) {
  Result<Missing> missing = look_up_missing(image, range);
  if (!missing || missing->nodes.empty() || relatives == nullptr) return missing;
  const std::vector<ImageId> ids = relatives->of(image.info().id);
  if (ids.empty()) return missing;
  // What cannot be copied, for whatever reason, is asked for.
  const Result<std::uint64_t> copied = graft(image, relatives->open(ids), range);
  return copied && *copied > 0 ? look_up_missing(image, range) : missing;
}

Result<wire::TreeNodes> unpack(const std::vector<NodePack>& packs, const RelativeImages& bases) {
  wire::TreeNodes all;
  std::uint64_t total = 0;
  for (const NodePack& pack : packs)
    total += wire::count_nodes(pack.nodes);
  all.nodes.reserve(total);
  for (const NodePack& pack : packs) {
    const std::vector<TreeNode> nodes = wire::to_nodes(pack.nodes);
    WEFT_TRY(const std::vector<std::byte> prefix, load_prefix(pack.prefix, bases));
    WEFT_TRY(const std::vector<std::byte> bytes,
             wire::unpack_nodes(prefix, pack.bytes, nodes.size()));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      wire::TreeNodes::Entry& entry = all.nodes.emplace_back();
      entry.node = nodes[i];
      std::memcpy(entry.bytes.data(), bytes.data() + i * block_size, block_size);
    }
  }
  return all;
}

}  // namespace weft::fetcher
