// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/image_paths.h"
#include "indexer/store/image_table.h"
#include "indexer/store/image_writer.h"
#include "indexer/store/sums_file.h"
#include "indexer/tree/tree_writer.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace weft {

/// Makes an image in `incoming/` and moves it to its place when it is whole.
///
/// `put` writes each thing to a place that follows from the block's index (pack, sums, tree
/// leaves), so that threads share nothing but three files and a counter.
class ImportWriter final : public ImageWriter {
 public:
  /// Errors as `Store::begin_import`.
  [[nodiscard]] static Result<std::unique_ptr<ImportWriter>> begin(
      std::shared_ptr<ImageTable> table, ImportTarget target);
  ~ImportWriter() override;

  Result<void> clone(File& source, Extent extent) override;
  Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                   std::span<const Digest> digests) override;
  Result<ImageInfo> publish() override;

 private:
  struct Files {
    std::unique_ptr<File> pack;
    std::unique_ptr<File> tree;
    SumsFile sums;
  };
  ImportWriter(std::shared_ptr<ImageTable> table, ImportTarget target, ImagePaths paths,
               Files files);
  [[nodiscard]] static Result<Files> make_files(FileSystem& fs, const ImagePaths& paths,
                                                BlockCount blocks);
  [[nodiscard]] bool copies(BlockRange run) const;
  [[nodiscard]] Result<void> put_run(BlockIndex first, std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> finish_files(const ImageInfo& info, TreeFile& tree);
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> register_image(const ImageInfo& info);
  [[nodiscard]] Result<void> complete_known(LocalImage& image, TreeFile& tree);
  void withdraw_name(const ImageId& id);

  const std::shared_ptr<ImageTable> table_;
  const ImportTarget target_;
  const BlockCount blocks_;
  const ImagePaths paths_;
  const std::unique_ptr<File> pack_;
  const std::unique_ptr<File> tree_file_;
  SumsFile sums_;
  TreeWriter tree_;
  std::atomic<std::uint64_t> data_blocks_{0};
};

}  // namespace weft
