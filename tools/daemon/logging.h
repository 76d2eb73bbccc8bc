// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "tools/config/config.h"

namespace weft::tools {

/// Sends the log of this process to the configured file, or to stderr: one line per event,
/// "2026-01-31T12:00:00.123 info image imported image=… bytes=…". Levels by who can cause an event:
/// what a remote peer can repeat at will is debug. Called once, before threads are started.
/// Errno of opening the file.
[[nodiscard]] Result<void> configure_logging(const Config& config);

}  // namespace weft::tools
