// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/peer_session.h"
#include "tests/support/fetcher/sim_world.h"

#include <functional>
#include <vector>

namespace weft::fetcher::testing {

/// What a liar answers to the first request that it gets.
using Lie = std::function<std::vector<wire::Message>(const wire::Message& request)>;

/// Runs `body` with a session to a peer that greets as it should, answers the first request with
/// frames made by hand, and then says nothing more.
void with_liar(Lie lie, std::function<Awaitable<void>(SimWorld&, PeerSession&)> body);

}  // namespace weft::fetcher::testing
