// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// Shortest length, at least `minimum`, at which the beginnings of different ids differ. `weft`
/// takes such a beginning for the id.
[[nodiscard]] std::size_t unambiguous_length(const std::vector<std::string>& ids,
                                             std::size_t minimum = 12);

}  // namespace weft::tools
