// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "tools/config/config.h"

#include <filesystem>

namespace weft::tools {

/// Between a worker's end and its successor nobody answers and the state directory is free: whoever
/// took it then would keep the successor from serving guests that wait. So a daemon's supervisor
/// holds a lock in it for as long as it lives.
///
/// None: there is a daemon that answers, and its worker tells a second one so, or the directory
/// cannot be used, which the worker finds, too. Waits for a daemon that ends. Errc::state_locked:
/// it lives and does not answer.
[[nodiscard]] Result<UniqueFd> take_supervised_lock(const Config& config);
/// A daemon has it: one that does not answer will. Without permission to look: false.
[[nodiscard]] bool is_supervised(const std::filesystem::path& state);

}  // namespace weft::tools
