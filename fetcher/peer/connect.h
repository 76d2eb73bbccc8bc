// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/network.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/peer/peer_session.h"

#include <cstddef>
#include <memory>

namespace weft::fetcher {

/// What sessions are made of. All of it outlives them; `tasks` is stopped after they are closed.
struct PeerContext {
  Network& network;
  Timers& timers;
  TaskGroup& tasks;
};

struct PeerOptions {
  wire::Hello hello;  ///< ours
  /// True: return when the peer has said Hello, and `remote()` is known. False: return as soon as
  /// the transport is connected, one round trip earlier; requests made at once travel right behind
  /// our Hello, and `remote()` is empty until the first of them is answered. A peer that turns us
  /// away then fails those requests.
  bool await_hello = true;
  Duration ping_after = std::chrono::seconds(5);   ///< of silence from the peer
  Duration dead_after = std::chrono::seconds(10);  ///< of silence from the peer: closed
  std::size_t max_outstanding = 2048;              ///< requests; more fail with Errc::queue_full
};

/// Connects and greets. Errc::peer_unreachable, peer_version, peer_misbehaved, deadline_passed.
///
/// The session ends with `close()`, with the connection, or when it is destroyed; in the last case
/// handlers of outstanding requests are dropped without being called, so close it first. It must
/// not be destroyed from within one of its handlers.
[[nodiscard]] Awaitable<Result<std::unique_ptr<PeerSession>>> connect_peer(PeerContext context,
                                                                           Address address,
                                                                           PeerOptions options,
                                                                           TimePoint deadline);

}  // namespace weft::fetcher
