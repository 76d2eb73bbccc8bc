// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/store/image_table.h"
#include "indexer/store/store.h"

#include <span>
#include <vector>

namespace weft {

/// Removes images and gives back what nobody borrows.
///
/// The catalog decides, then files follow: an image is first no image any more (its row is deleted,
/// or says lender), then its blocks go. A crash between leaves files that the next `tidy` gives
/// back. What an image of an in-place source lends is copied by its borrowers before the catalog
/// changes, for the file is not ours to keep.
///
/// Lives for one call; the table's `flushing()`, `changes()` and `lending()` are held.
class Removal {
 public:
  explicit Removal(ImageTable& table) : table_(table) {}

  /// Nobody uses the image and it may go with all its names.
  /// An error means that it is there as before: what fails once it is no image any more is in the
  /// report.
  [[nodiscard]] Result<RemovalReport> remove(const ImageId& id);
  /// Other images have blocks in its pack.
  [[nodiscard]] Result<bool> lends(const ImageId& id);
  /// Removes an image without a name, unless somebody holds it or it got a name. `flushing()` and
  /// `changes()` are held, `lending()` is not.
  [[nodiscard]] static Result<void> collect_unnamed(ImageTable& table, const ImageId& id);
  /// Gives back what lenders hold for nobody. At start.
  [[nodiscard]] Result<void> tidy();

 private:
  [[nodiscard]] Result<std::vector<BlockRange>> needed_of(const ImageId& lender);
  [[nodiscard]] Result<void> copy_to_borrowers(const ImageId& lender);
  [[nodiscard]] Result<void> shrink(CatalogImage row, std::span<const BlockRange> keep);
  [[nodiscard]] Result<void> drop(const ImageId& id);
  [[nodiscard]] Result<void> collect(const ImageId& lender);
  void left_over(const Result<void>& done);

  ImageTable& table_;
  RemovalReport report_;
};

/// Sorted and without overlaps.
[[nodiscard]] std::vector<BlockRange> merge_ranges(std::vector<BlockRange> ranges);

}  // namespace weft
