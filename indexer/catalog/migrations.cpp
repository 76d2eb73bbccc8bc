// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/migrations.h"

#include <algorithm>
#include <array>
#include <string>

namespace weft::catalog {
namespace {

// As schema.sql has it, to the letter: a test compares.
constexpr const char* add_signatures = R"sql(CREATE TABLE signature (
  image BLOB PRIMARY KEY CHECK (length(image) = 32),
  used  INTEGER NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes = length(data)),
  data  BLOB NOT NULL
) STRICT;
CREATE INDEX signature_by_use ON signature (used, bytes, image);
)sql";

constexpr const char* add_links = R"sql(CREATE TABLE link (
  node          BLOB PRIMARY KEY CHECK (length(node) = 16),
  address       TEXT NOT NULL,
  measured      INTEGER NOT NULL,
  in_mean       REAL NOT NULL,
  in_deviation  REAL NOT NULL,
  in_samples    REAL NOT NULL,
  out_mean      REAL NOT NULL,
  out_deviation REAL NOT NULL,
  out_samples   REAL NOT NULL,
  round_trip    REAL NOT NULL,
  up            REAL NOT NULL,
  lost          REAL NOT NULL,
  events        REAL NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* add_profiles = R"sql(CREATE TABLE profile (
  id     INTEGER PRIMARY KEY,
  image  BLOB NOT NULL CHECK (length(image) = 32),
  origin INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2),
  made   INTEGER NOT NULL,
  used   INTEGER NOT NULL,
  bytes  INTEGER NOT NULL CHECK (bytes = length(data)),
  data   BLOB NOT NULL
) STRICT;
CREATE INDEX profile_of_image ON profile (image, used);
CREATE INDEX profile_by_use ON profile (used, bytes);
)sql";

constexpr const char* add_disks = R"sql(CREATE TABLE disk (
  name    TEXT PRIMARY KEY,
  base    BLOB NOT NULL REFERENCES image (id),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disk_of_image ON disk (base);
)sql";

constexpr std::array steps_known = {Migration{1, add_signatures}, Migration{2, add_links},
                                    Migration{3, add_profiles}, Migration{4, add_disks}};

}  // namespace

std::span<const Migration> migrations() noexcept {
  return steps_known;
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
