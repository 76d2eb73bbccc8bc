// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/sqlite.h"
#include "indexer/core/error.h"

#include <span>

namespace weft::catalog {

/// Brings a database of version `from` to `from + 1`.
struct Migration {
  int from;
  const char* sql;
};

/// Steps that this code knows, in order, without gaps.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// Makes an empty database one of the current version, or brings an older one up to it: each step
/// in a transaction of its own together with its version number, so that a crash leaves a database
/// of some version. Errc::newer_state if it is newer than `target`.
[[nodiscard]] Result<void> bring_up_to_date(sqlite::Database& db, const char* schema, int target,
                                            std::span<const Migration> steps);

}  // namespace weft::catalog
