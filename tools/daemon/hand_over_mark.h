// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace weft::tools {

/// While a node is handed over, nobody answers on its control socket. A file in the state directory
/// says that somebody will: commands wait instead of running a node of their own. A mark that was
/// left behind counts for a minute only.
void set_hand_over_mark(const std::filesystem::path& state);
void clear_hand_over_mark(const std::filesystem::path& state);
[[nodiscard]] bool is_handed_over(const std::filesystem::path& state);

}  // namespace weft::tools
