// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <filesystem>
#include <stop_token>

namespace weft {

/// Makes a qcow2 image of a raw file with `qemu-img convert`: `to` is written over. Absolute paths.
/// Errc::unsupported: the program is not installed; helper_failed: it said why; cancelled,
/// deadline_passed: it was ended. What it wrote until then is left to the caller.
[[nodiscard]] Result<void> convert_to_qcow2(const std::filesystem::path& raw,
                                            const std::filesystem::path& to, Duration deadline,
                                            const std::stop_token& stop);

}  // namespace weft
