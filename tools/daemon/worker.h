// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "tools/config/config.h"

namespace weft::tools {

struct WorkerOptions {
  Config config;
  /// End by itself once the last mount is gone and the jobs are done.
  bool embedded = false;
  UniqueFd supervisor;  ///< the socket to it; none: mounts end with this process
  /// A candidate of an upgrade: it serves when the supervisor says so.
  bool standby = false;
};

/// The serving process of a daemon: a node and its control server, until SIGTERM or, embedded,
/// until there is nothing left to do. To be called before any thread is started. An error: the node
/// could not start.
[[nodiscard]] Result<void> run_worker(WorkerOptions options);

}  // namespace weft::tools
