// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/export/detach.h"

namespace weft {

/// Errc::bad_request: no absolute path to a file, or something else than a regular file is there;
/// std::errc::file_exists, unless it may be replaced.
[[nodiscard]] Result<void> check_target(const DetachOptions& options);

}  // namespace weft
