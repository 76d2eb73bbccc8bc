// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/read/read_policy.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"

#include <string>
#include <string_view>

namespace weft::fs {

/// What a worker must know to serve a mount it did not make: kept by the supervisor as JSON,
/// because the next worker may be of a newer version.
struct MountDescription {
  ImageId image;
  std::string name;
  ReadPolicy policy;
  bool disk = false;  ///< `name` is a disk over `image`
};

[[nodiscard]] std::string to_json(const MountDescription& description);
/// Unknown members are ignored. Errc::damaged_state.
[[nodiscard]] Result<MountDescription> parse_description(std::string_view json);

}  // namespace weft::fs
