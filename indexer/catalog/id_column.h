// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/sqlite.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"

#include <vector>

/// Ids as the catalog's tables have them: blobs.
namespace weft::catalog {

/// Errc::damaged_state: what is there is no id.
template <class Id>
[[nodiscard]] Result<Id> id_in(const sqlite::Statement::Use& row, int column) {
  const auto blob = row.blob(column);
  if (blob.size() != Id::size) {
    return fail(Errc::damaged_state, Operation::catalog, "an id of the wrong length");
  }
  return Id::from(blob.template first<Id::size>());
}

/// The first column of all rows that are left.
template <class Id>
[[nodiscard]] Result<std::vector<Id>> ids_in(sqlite::Statement::Use& rows) {
  std::vector<Id> ids;
  for (;;) {
    WEFT_TRY(const bool more, rows.step());
    if (!more) return ids;
    WEFT_TRY(ids.emplace_back(), id_in<Id>(rows, 0));
  }
}

}  // namespace weft::catalog
