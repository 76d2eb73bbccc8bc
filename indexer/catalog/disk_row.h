// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstdint>
#include <string>

namespace weft {

/// A row of `disk`, see schema.sql.
struct DiskRow {
  std::string name;
  ImageId base;
  std::int64_t created = 0;
  friend bool operator==(const DiskRow&, const DiskRow&) = default;
};

}  // namespace weft
