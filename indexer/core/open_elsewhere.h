// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/file_io.h"

namespace weft {

/// Somebody besides `file` has it open now: another process, the kernel on behalf of one (FUSE
/// passthrough), or this process once more. Asked by trying for a write lease (fcntl(2),
/// F_SETLEASE). False where the file system or our rights do not allow the question.
[[nodiscard]] bool is_open_elsewhere(const File& file);

}  // namespace weft
