// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weft::catalog {

/// Text of schema.sql: makes an empty database one of `schema_version`.
extern const char* const schema_sql;

inline constexpr int schema_version = 5;

}  // namespace weft::catalog
