// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <string>

/// Paths as they are typed, for a daemon that runs in another directory.
namespace weft::tools {

/// Absolute and normal; no link is resolved.
[[nodiscard]] Result<std::string> absolute_path(const std::string& path, Operation operation);

/// The target of a mount as the daemon names it. By name only: resolving the path would wait for a
/// mount that does not answer.
[[nodiscard]] Result<std::string> mount_target(const std::string& path, Operation operation);

}  // namespace weft::tools
