// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/store.h"
#include "indexer/tree/tree_node.h"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

/// A store in memory, holding whole or partial images, for tests of what serves them. Not
/// thread-safe: use it with InlineOffload.
namespace weft::fetcher::testing {

class MemoryImage final : public LocalImage {
 public:
  /// An image with this content, padded to whole blocks; all of it is here.
  explicit MemoryImage(std::vector<std::byte> content);

  /// The blocks are not here (any more); or they are again.
  void drop(BlockRange blocks);
  void restore(BlockRange blocks);
  void drop_node(TreeNode node) { lost_nodes_.insert(node); }
  /// Still counts as readable, but fails its check when it is read.
  void damage(BlockIndex block) { damaged_.insert(block); }
  /// Content of a block, whatever is here.
  [[nodiscard]] std::span<const std::byte> block(BlockIndex block) const;
  [[nodiscard]] const std::map<TreeNode, NodeBytes>& nodes() const { return nodes_; }

  [[nodiscard]] const ImageInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const TreeShape& shape() const noexcept override { return shape_; }
  [[nodiscard]] bool in_place() const noexcept override { return false; }
  Result<Digest> block_digest(BlockIndex block) override;
  Result<NodeBytes> node(TreeNode node) override;
  Result<std::optional<TreeNode>> first_missing_node(BlockIndex block) override;
  Result<void> add_node(TreeNode node, std::span<const std::byte> bytes) override;
  [[nodiscard]] bool readable(BlockRange range) const noexcept override;
  [[nodiscard]] std::optional<BlockRange> next_missing(BlockRange range) const override;
  [[nodiscard]] std::optional<BlockRange> next_data(BlockRange range) override;
  Result<void> read(ByteOffset offset, std::span<std::byte> out) override;
  Result<void> commit(BlockRange range, std::span<const std::byte> bytes) override;
  Result<void> flush() override { return {}; }
  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }
  [[nodiscard]] ImageUsage usage() const override;
  [[nodiscard]] BlockCount lost_blocks() const noexcept override { return BlockCount(0); }

 private:
  std::vector<std::byte> content_;
  TreeShape shape_;
  ImageInfo info_;
  std::vector<Digest> digests_;
  std::map<TreeNode, NodeBytes> nodes_;  // that are not zero
  std::vector<bool> here_;
  std::set<TreeNode> lost_nodes_;
  std::set<BlockIndex> damaged_;
  std::uint64_t generation_ = 1;
};

class MemoryStore final : public Store {
 public:
  std::shared_ptr<MemoryImage> add(std::string name, std::vector<std::byte> content);

  [[nodiscard]] const NodeId& node_id() const noexcept override { return node_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept override { return path_; }
  Result<std::vector<ImageEntry>> list() override;
  Result<ImageEntry> find(std::string_view name_or_id) override;
  Result<std::shared_ptr<LocalImage>> image(const ImageId& id) override;
  Result<std::unique_ptr<ImageWriter>> begin_import(ImportTarget target) override;
  Result<std::shared_ptr<LocalImage>> adopt(std::string_view name, const ImageInfo& info) override;
  Result<RemovalReport> remove(std::string_view name_or_id) override;
  Result<void> read_by_digest(const Digest& digest, std::span<std::byte> block) override;
  Result<Signature> signature(const ImageId& id, std::size_t max_keys) override;
  Result<void> learn_signature(const Signature& signature) override;
  Result<std::vector<ImageId>> signatures_known() override;
  Result<std::vector<bool>> holds(std::span<const std::uint64_t> keys, unsigned key_bytes) override;
  Result<void> flush() override { return {}; }
  Result<std::optional<std::string>> setting(std::string_view kind, std::string_view key) override;
  Result<void> set_setting(std::string_view kind, std::string_view key,
                           std::optional<std::string_view> json) override;
  Result<std::vector<std::pair<std::string, std::string>>> settings(std::string_view kind) override;

 private:
  NodeId node_{{1}};
  std::filesystem::path path_ = "/nowhere";
  std::map<std::string, std::shared_ptr<MemoryImage>, std::less<>> images_;
  std::map<ImageId, Signature> learnt_;
};

/// Blocks whose content follows from `seed` and their index: mode by index modulo 4: zero, text
/// that compresses, bytes that do not, text.
[[nodiscard]] std::vector<std::byte> mixed_content(std::size_t blocks, std::uint64_t seed = 1);

}  // namespace weft::fetcher::testing
