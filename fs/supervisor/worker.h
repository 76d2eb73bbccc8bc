// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/request_server.h"
#include "fs/supervisor/worker_process.h"
#include "indexer/core/clock.h"

namespace weft::fs {

/// One process, one socket, one generation.
struct Worker {
  WorkerProcess process;
  supervision::RequestServer server;
  TimePoint started;
};

}  // namespace weft::fs
