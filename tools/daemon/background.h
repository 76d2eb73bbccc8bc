// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace weft::tools {

struct BackgroundNode {
  std::filesystem::path state;         ///< created if absent
  std::filesystem::path log;           ///< where its stderr goes, appended
  std::vector<std::string> arguments;  ///< after the program's name: {"daemon", "--embedded", …}
};

/// Starts this very program as a background process of its own session and waits until it reports
/// that it is ready, or ends. In the latter case its own error is returned.
/// Errc::cancelled: `stop` was requested first; the process is told to end.
[[nodiscard]] Result<void> start_in_background(const BackgroundNode& node, std::stop_token stop);

/// Descriptors a process started so reports on.
inline constexpr int ready_descriptor = 3;   ///< "ready\n" when it serves
inline constexpr int report_descriptor = 1;  ///< an error of API.md as one line, if it cannot start

}  // namespace weft::tools
