// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/migrations.h"

#include <algorithm>
#include <string>

namespace weft::catalog {

std::span<const Migration> migrations() noexcept {
  return {};
}

Result<void> bring_up_to_date(sqlite::Database& db, const char* schema, int target,
                              std::span<const Migration> steps) {
  WEFT_TRY(std::int64_t version, db.integer("PRAGMA user_version"));
  if (version > target) {
    return fail(Errc::newer_state, Operation::catalog,
                "the catalog has version " + std::to_string(version) + ", this weft knows " +
                    std::to_string(target) + "; use the weft that wrote it");
  }
  const auto advance = [&](const char* sql, std::int64_t to) -> Result<void> {
    WEFT_TRY(auto transaction, sqlite::Transaction::begin(db));
    WEFT_CHECK(db.run(sql));
    WEFT_CHECK(db.run(("PRAGMA user_version = " + std::to_string(to)).c_str()));
    return transaction.commit();
  };
  if (version == 0) {
    WEFT_TRY(const auto tables, db.integer("SELECT count(*) FROM sqlite_schema"));
    if (tables != 0) {
      return fail(Errc::damaged_state, Operation::catalog, "the database is not weft's");
    }
    return advance(schema, target);
  }
  while (version < target) {
    const auto step = std::ranges::find(steps, version, &Migration::from);
    if (step == steps.end()) {
      return fail(Errc::damaged_state, Operation::catalog,
                  "no way from catalog version " + std::to_string(version));
    }
    WEFT_CHECK(advance(step->sql, version + 1));
    ++version;
  }
  return {};
}

}  // namespace weft::catalog
