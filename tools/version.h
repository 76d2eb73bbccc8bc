// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace weft::tools {

inline constexpr std::string_view version = WEFT_VERSION;
/// Grows when a request or a member of the control API changes its meaning.
inline constexpr int api_version = 1;

}  // namespace weft::tools
