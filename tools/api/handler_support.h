// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/call.h"

namespace weft::tools {

class Node;

/// Adds the peers of the member "peers", as recorded ones.
[[nodiscard]] Result<void> add_peers_of(Node& node, const Call& call);
/// A finite number ≥ 0. Errc::bad_request.
[[nodiscard]] Result<double> optional_number(const Call& call, std::string_view member,
                                             double otherwise);

}  // namespace weft::tools
