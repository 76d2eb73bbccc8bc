// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/disk/disk_commit.h"

#include <stop_token>

namespace weft::tools {

/// Fetches what a commit needs of the tree of the image below: a block under each node that is not
/// here, as a reader would ask for it. Waits; call it from a thread that may. Returns at once if
/// nothing is needed. Then the rest of the tree, if that is not much, for as long as half a minute:
/// so that peers can be served. Errc::deadline_passed, no_source, cancelled.
[[nodiscard]] Result<void> fetch_commit_paths(DiskCommit& commit, fetcher::BlockFetcher& fetcher,
                                              TimePoint deadline, const std::stop_token& stop);

}  // namespace weft::tools
