// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/state_check.h"

#include "indexer/catalog/schema.h"
#include "indexer/catalog/sqlite.h"

#include <string>
#include <system_error>

namespace weft {

Result<void> check_state_as_it_is(const std::filesystem::path& directory) {
  const auto path = directory / "catalog.sqlite";
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) {
    return fail_errno(problem ? problem.value() : ENOENT, Operation::open, path.native());
  }
  WEFT_TRY(auto db, sqlite::Database::open(path));
  WEFT_TRY(const std::int64_t version, db.integer("PRAGMA user_version"));
  const auto versions = [&](const char* what) {
    return directory.native() + " has version " + std::to_string(version) + what +
           std::to_string(catalog::schema_version);
  };
  if (version > catalog::schema_version) {
    return fail(Errc::newer_state, Operation::catalog, versions(", this weft knows "));
  }
  if (version < catalog::schema_version) {
    return fail(Errc::unsupported, Operation::catalog,
                versions(", and this weft would make it ") +
                    ", which cannot be undone if the upgrade fails: stop the daemon and start the "
                    "new one");
  }
  return {};
}

}  // namespace weft
