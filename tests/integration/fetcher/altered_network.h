// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/network.h"
#include "fetcher/wire/messages.h"

#include <functional>
#include <memory>

namespace weft::fetcher::testing {

/// Changes a message of a server before it leaves, or leaves it as it is. On the I/O thread.
using Alter = std::function<void(wire::Message&)>;

/// `inner`, where every message that a listener's connections write goes through `alter`: a node
/// that is honest but for what it says. `inner` outlives it.
[[nodiscard]] std::unique_ptr<Network> make_altered_network(Network& inner, Alter alter);

}  // namespace weft::fetcher::testing
