// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/disk/disks.h"
#include "indexer/store/holdings.h"
#include "indexer/store/image_table.h"
#include "indexer/store/store.h"

#include <memory>
#include <utility>

namespace weft {

/// The Store on disk: names, imports and removal over an ImageTable, under whose locks it works.
class DiskStore final : public Store {
 public:
  DiskStore(std::shared_ptr<ImageTable> table, const Digest& boot)
      : table_(std::move(table)), holdings_(*table_), disks_(table_, boot) {}
  ~DiskStore() override;

  const NodeId& node_id() const noexcept override { return table_->catalog().node_id(); }
  const std::filesystem::path& directory() const noexcept override {
    return table_->directory().root();
  }

  Result<std::vector<ImageEntry>> list() override;
  Result<ImageEntry> find(std::string_view name_or_id) override;
  Result<std::shared_ptr<LocalImage>> image(const ImageId& id) override;
  Result<std::unique_ptr<ImageWriter>> begin_import(ImportTarget target) override;
  Result<std::unique_ptr<UpdateWriter>> begin_update(UpdateTarget target) override;
  Result<void> give_up(std::shared_ptr<LocalImage> image) override;
  Result<void> collect_unnamed(const std::function<bool(const ImageId&)>& keep) override;
  Result<std::shared_ptr<LocalImage>> adopt(std::string_view name, const ImageInfo& info) override;
  Result<RemovalReport> remove(std::string_view name_or_id) override;
  Result<void> read_by_digest(const Digest& digest, std::span<std::byte> block) override;
  Result<std::vector<bool>> read_blocks_by_digest(std::span<const Digest> digests,
                                                  std::span<std::byte> blocks) override {
    return holdings_.read(digests, blocks);
  }
  Result<Signature> signature(const ImageId& id, std::size_t max_keys) override;
  Result<void> learn_signature(const Signature& signature) override {
    return table_->signatures().learn(signature);
  }
  Result<std::vector<ImageId>> signatures_known() override { return table_->signatures().known(); }
  Result<std::vector<Relative>> relatives(const ImageId& id) override {
    return table_->signatures().relatives(id);
  }
  bool has_others(const ImageId& id) override { return table_->has_others(id); }
  Result<std::vector<bool>> holds(std::span<const DigestKey> keys, unsigned key_bytes) override {
    return holdings_.holds(keys, key_bytes);
  }
  Result<void> flush() override { return table_->flush(); }

  Result<std::optional<std::string>> setting(std::string_view kind, std::string_view key) override {
    return table_->catalog().setting(kind, key);
  }
  Result<void> set_setting(std::string_view kind, std::string_view key,
                           std::optional<std::string_view> json) override {
    return table_->catalog().set_setting(kind, key, json);
  }
  Result<std::vector<std::pair<std::string, std::string>>> settings(
      std::string_view kind) override {
    return table_->catalog().settings(kind);
  }
  Result<void> put_links(std::span<const LinkRow> links) override {
    return table_->catalog().put_links(links);
  }
  Result<std::vector<LinkRow>> links() override { return table_->catalog().links(); }
  Disks* disks() noexcept override { return &disks_; }

  Result<void> add_profile(const ImageId& image, const ProfileRow& row) override {
    return table_->catalog().add_profile(image, row, {});
  }
  Result<std::vector<ProfileRow>> profiles(const ImageId& image) override {
    return table_->catalog().profiles(image);
  }
  Result<void> profile_used(const ImageId& image) override {
    return table_->catalog().profile_used(image);
  }
  Result<bool> drop_profiles(const ImageId& image) override {
    return table_->catalog().drop_profiles(image);
  }
  Result<std::vector<ImageId>> profiled_images() override {
    return table_->catalog().profiled_images();
  }

 private:
  /// An image and the name it was asked by: empty if by id.
  struct Found {
    ImageId id;
    std::string name;
  };
  [[nodiscard]] Result<Found> resolve(std::string_view name_or_id);
  [[nodiscard]] Result<void> check_no_disks(const ImageId& id);
  [[nodiscard]] Result<ImageEntry> entry_of(const ImageId& id, std::string name);

  const std::shared_ptr<ImageTable> table_;
  Holdings holdings_;
  Disks disks_;
};

}  // namespace weft
