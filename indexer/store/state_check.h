// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <filesystem>

namespace weft {

/// Whether this build could open a state directory, which another process may have open, as it is:
/// nothing is locked or changed. Errc::newer_state: a newer weft wrote it; unsupported: opening it
/// would change its format, so that the build that uses it now could not go back to it.
[[nodiscard]] Result<void> check_state_as_it_is(const std::filesystem::path& directory);

}  // namespace weft
