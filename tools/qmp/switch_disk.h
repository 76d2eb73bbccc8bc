// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "tools/qmp/block_nodes.h"
#include "tools/qmp/qmp_client.h"

#include <filesystem>
#include <string>
#include <vector>

namespace weft::tools {

/// Has a running QEMU open a file again, by which its disk gets the mode that opens get now: twice
/// by `blockdev-reopen`, with the other cache.direct and then with the one it had, so that nothing
/// has changed in the end but the open file. The guest goes on meanwhile.
///
/// Twice also because a file that was open in cached mode keeps the first new one from
/// passthrough: it is closed only after that.
///
/// Returns the nodes that were opened again. Errc::bad_request: QEMU has no such file; unsupported:
/// it is older than 6.1; helper_failed: it refuses, with its words; those of the client. A stop
/// after the first step is heeded after the second, which has 5 s. Where that fails the disk works,
/// with the other cache.direct, which the error and the log say.
[[nodiscard]] Result<std::vector<FileNode>> switch_disk(QmpClient& qemu,
                                                        const std::filesystem::path& file);

}  // namespace weft::tools
