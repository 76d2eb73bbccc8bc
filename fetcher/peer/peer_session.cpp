// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/peer_session.h"

namespace weft::fetcher {

Awaitable<Result<std::vector<NodePack>>> PeerSession::tree_pack(wire::TreePackRequest,
                                                                wire::Priority, TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session does not pack tree nodes");
}

}  // namespace weft::fetcher
