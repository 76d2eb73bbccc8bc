// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/call.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::tools {

class Node;

/// Adds the peers of the member "peers", as recorded ones.
[[nodiscard]] Result<void> add_peers_of(Node& node, const Call& call);
/// A finite number ≥ 0. Errc::bad_request.
[[nodiscard]] Result<double> optional_number(const Call& call, std::string_view member,
                                             double otherwise);
/// A parameter of the query; empty: it was not given.
[[nodiscard]] std::string query_text(const Call& call, std::string_view parameter);
/// The same as a whole number. Errc::bad_request.
[[nodiscard]] Result<std::optional<std::uint64_t>> query_number(const Call& call,
                                                                std::string_view parameter);

}  // namespace weft::tools
