// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/disk_row.h"
#include "indexer/catalog/sqlite.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::catalog {

/// The table `disk`. Not thread-safe: the owner of the connection locks, and keeps it longer than
/// this.
class DiskRows {
 public:
  [[nodiscard]] static Result<DiskRows> prepare(sqlite::Database& db);

  /// By name.
  [[nodiscard]] Result<std::vector<DiskRow>> list();
  [[nodiscard]] Result<std::optional<DiskRow>> find(std::string_view name);
  [[nodiscard]] Result<std::vector<std::string>> names_over(const ImageId& base);
  /// Created now.
  [[nodiscard]] Result<void> add(std::string_view name, const ImageId& base);
  [[nodiscard]] Result<void> remove(std::string_view name);

 private:
  sqlite::Statement list_, find_, over_, add_, remove_;
};

}  // namespace weft::catalog
