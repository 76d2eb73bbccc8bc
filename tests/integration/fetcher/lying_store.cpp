// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/lying_store.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace weft::fetcher::testing {
namespace {

class LyingImage final : public LocalImage {
 public:
  LyingImage(std::shared_ptr<LocalImage> truth, Lie lie, TreeLie tree_lie)
      : truth_(std::move(truth)), lie_(std::move(lie)), tree_lie_(std::move(tree_lie)) {}

  const ImageInfo& info() const noexcept override { return truth_->info(); }
  const TreeShape& shape() const noexcept override { return truth_->shape(); }
  bool in_place() const noexcept override { return truth_->in_place(); }
  Result<Digest> block_digest(BlockIndex block) override { return truth_->block_digest(block); }
  Result<NodeBytes> node(TreeNode node) override {
    Result<NodeBytes> bytes = truth_->node(node);
    if (bytes && tree_lie_) tree_lie_(info().id, node, *bytes);
    return bytes;
  }
  Result<std::optional<TreeNode>> first_missing_node(BlockIndex block) override {
    return truth_->first_missing_node(block);
  }
  Result<void> add_node(TreeNode node, std::span<const std::byte> bytes) override {
    return truth_->add_node(node, bytes);
  }
  bool readable(BlockRange range) const noexcept override { return truth_->readable(range); }
  std::optional<BlockRange> next_missing(BlockRange range) const override {
    return truth_->next_missing(range);
  }
  std::optional<BlockRange> next_data(BlockRange range) override {
    return truth_->next_data(range);
  }
  Result<void> read(ByteOffset offset, std::span<std::byte> out) override {
    WEFT_CHECK(truth_->read(offset, out));
    if (lie_) lie_(offset, out);
    return {};
  }
  Result<void> commit(BlockRange range, std::span<const std::byte> bytes) override {
    return truth_->commit(range, bytes);
  }
  Result<void> flush() override { return truth_->flush(); }
  std::uint64_t generation() const noexcept override { return truth_->generation(); }
  ImageUsage usage() const override { return truth_->usage(); }
  BlockCount lost_blocks() const noexcept override { return truth_->lost_blocks(); }

 private:
  std::shared_ptr<LocalImage> truth_;
  Lie lie_;
  TreeLie tree_lie_;
};

class LyingStore : public Store {
 public:
  LyingStore(Store& truth, Lie lie, TreeLie tree_lie)
      : truth_(truth), lie_(std::move(lie)), tree_lie_(std::move(tree_lie)) {}

  const NodeId& node_id() const noexcept override { return truth_.node_id(); }
  const std::filesystem::path& directory() const noexcept override { return truth_.directory(); }
  Result<std::vector<ImageEntry>> list() override { return truth_.list(); }
  Result<ImageEntry> find(std::string_view name_or_id) override { return truth_.find(name_or_id); }
  Result<std::shared_ptr<LocalImage>> image(const ImageId& id) override {
    WEFT_TRY(std::shared_ptr<LocalImage> truth, truth_.image(id));
    const std::scoped_lock lock(mutex_);
    auto& lying = images_[id];
    if (!lying) lying = std::make_shared<LyingImage>(std::move(truth), lie_, tree_lie_);
    return lying;
  }
  Result<std::unique_ptr<ImageWriter>> begin_import(ImportTarget target) override {
    return truth_.begin_import(std::move(target));
  }
  Result<std::shared_ptr<LocalImage>> adopt(std::string_view name, const ImageInfo& info) override {
    return truth_.adopt(name, info);
  }
  Result<RemovalReport> remove(std::string_view name_or_id) override {
    return truth_.remove(name_or_id);
  }
  Result<void> read_by_digest(const Digest& digest, std::span<std::byte> block) override {
    return truth_.read_by_digest(digest, block);
  }
  Result<void> flush() override { return truth_.flush(); }
  Result<std::optional<std::string>> setting(std::string_view kind, std::string_view key) override {
    return truth_.setting(kind, key);
  }
  Result<void> set_setting(std::string_view kind, std::string_view key,
                           std::optional<std::string_view> json) override {
    return truth_.set_setting(kind, key, json);
  }
  Result<std::vector<std::pair<std::string, std::string>>> settings(
      std::string_view kind) override {
    return truth_.settings(kind);
  }

 private:
  Store& truth_;
  Lie lie_;
  TreeLie tree_lie_;
  std::mutex mutex_;
  std::map<ImageId, std::shared_ptr<LyingImage>> images_;
};

class BoastingStore : public LyingStore {
 public:
  explicit BoastingStore(Store& truth)
      : LyingStore(truth, [](ByteOffset, std::span<std::byte>) {}, {}) {}

  Result<std::vector<bool>> holds(std::span<const std::uint64_t> keys, unsigned) override {
    return std::vector<bool>(keys.size(), true);
  }
};

class InventingStore final : public BoastingStore {
 public:
  using BoastingStore::BoastingStore;

  Result<void> read_by_digest(const Digest& digest, std::span<std::byte> block) override {
    if (!BoastingStore::read_by_digest(digest, block)) std::ranges::fill(block, std::byte{'?'});
    return {};
  }
};

class MisleadingStore final : public LyingStore {
 public:
  MisleadingStore(Store& truth, const ImageId& other)
      : LyingStore(truth, [](ByteOffset, std::span<std::byte>) {}, {}),
        truth_(truth),
        other_(other) {}

  Result<Signature> signature(const ImageId& id, std::size_t max_keys) override {
    WEFT_TRY(Signature false_one, truth_.signature(other_, max_keys));
    false_one.image = id;
    return false_one;
  }

 private:
  Store& truth_;
  const ImageId other_;
};

}  // namespace

std::unique_ptr<Store> make_misleading_store(Store& truth, const ImageId& other) {
  return std::make_unique<MisleadingStore>(truth, other);
}

std::unique_ptr<Store> make_boasting_store(Store& truth) {
  return std::make_unique<BoastingStore>(truth);
}

std::unique_ptr<Store> make_inventing_store(Store& truth) {
  return std::make_unique<InventingStore>(truth);
}

std::unique_ptr<Store> make_lying_store(Store& truth, Lie lie, TreeLie tree_lie) {
  return std::make_unique<LyingStore>(truth, std::move(lie), std::move(tree_lie));
}

}  // namespace weft::fetcher::testing
