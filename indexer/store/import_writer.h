// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/image_table.h"
#include "indexer/store/image_writer.h"
#include "indexer/store/incoming_image.h"
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

  Result<void> clone(File& source, Extent extent) override;
  Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                   std::span<const Digest> digests) override;
  Result<ImageInfo> publish() override;

 private:
  ImportWriter(std::shared_ptr<ImageTable> table, ImportTarget target,
               std::unique_ptr<IncomingImage> incoming);
  [[nodiscard]] bool copies(BlockRange run) const;
  [[nodiscard]] Result<void> put_run(BlockIndex first, std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> finish_files(const ImageInfo& info, TreeFile& tree);
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> register_image(const ImageInfo& info);
  [[nodiscard]] Result<void> complete_known(LocalImage& image, TreeFile& tree);
  void withdraw_name(const ImageId& id);

  const std::shared_ptr<ImageTable> table_;
  const ImportTarget target_;
  const BlockCount blocks_;
  const std::unique_ptr<IncomingImage> incoming_;
  TreeWriter tree_;
  std::atomic<std::uint64_t> data_blocks_{0};
};

}  // namespace weft
