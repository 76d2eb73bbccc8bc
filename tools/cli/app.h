// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/cli/terminal.h"

#include <functional>
#include <string>
#include <vector>

namespace weft::tools {

/// Runs `weft` with these arguments (without the program's name) and returns its exit code. Errors
/// are one line on `terminal.err`. To be called once per process, before any thread is started.
[[nodiscard]] int run_command(std::vector<std::string> arguments, Terminal& terminal,
                              const std::function<const char*(const char*)>& environment);

}  // namespace weft::tools
