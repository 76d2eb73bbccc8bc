// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/link_row.h"
#include "indexer/catalog/sqlite.h"
#include "indexer/core/error.h"

#include <span>
#include <vector>

namespace weft::catalog {

/// The table `link`. Not thread-safe: the owner of the connection locks, and keeps it longer than
/// this.
class LinkRows {
 public:
  [[nodiscard]] static Result<LinkRows> prepare(sqlite::Database& db);

  /// In place of all that is there, in one transaction.
  [[nodiscard]] Result<void> replace(sqlite::Database& db, std::span<const LinkRow> rows);
  [[nodiscard]] Result<std::vector<LinkRow>> list();

 private:
  sqlite::Statement put_, clear_, list_;
};

}  // namespace weft::catalog
