// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/profile_row.h"
#include "indexer/catalog/sqlite.h"
#include "indexer/core/error.h"

#include <cstdint>
#include <vector>

namespace weft::catalog {

/// The table `profile`: recordings of boots, by image. Those of the image that was not used for the
/// longest time go first. Not thread-safe: the owner of the connection locks, and keeps it longer
/// than this.
class ProfileRows {
 public:
  [[nodiscard]] static Result<ProfileRows> prepare(sqlite::Database& db);

  /// Adds one, in one transaction with what has to go: rows of this image that came from peers, and
  /// the oldest beyond the limits. One too large for them is not kept. Counts as a use of the
  /// image.
  [[nodiscard]] Result<void> add(sqlite::Database& db, const ImageId& image, const ProfileRow& row,
                                 ProfileLimits limits);
  /// Oldest first.
  [[nodiscard]] Result<std::vector<ProfileRow>> of(const ImageId& image);
  /// Counts as a use of the image.
  [[nodiscard]] Result<void> used(const ImageId& image);
  /// False: there was none.
  [[nodiscard]] Result<bool> drop(sqlite::Database& db, const ImageId& image);
  /// Images with rows, last used first.
  [[nodiscard]] Result<std::vector<ImageId>> images();

 private:
  [[nodiscard]] Result<void> drop_beyond(ProfileLimits limits);
  [[nodiscard]] Result<std::int64_t> count_of(const ImageId& image);

  sqlite::Statement add_, drop_from_peers_, drop_older_, of_, use_, drop_, images_;
  sqlite::Statement count_, totals_, drop_least_used_;
};

}  // namespace weft::catalog
