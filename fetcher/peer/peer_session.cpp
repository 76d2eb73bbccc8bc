// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/peer_session.h"

namespace weft::fetcher {

Awaitable<Result<std::vector<NodePack>>> PeerSession::tree_pack(wire::TreePackRequest,
                                                                wire::Priority, TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session does not pack tree nodes");
}

Awaitable<Result<Signature>> PeerSession::signature(ImageId, std::uint32_t, wire::Priority,
                                                    TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session knows no signatures");
}

Awaitable<Result<std::vector<bool>>> PeerSession::have(std::vector<std::uint64_t>, unsigned,
                                                       TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session knows no have queries");
}

Awaitable<Result<BootProfile>> PeerSession::profile(wire::ProfileRequest, TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session knows no boot profiles");
}

Awaitable<Result<wire::SwarmAnswer>> PeerSession::swarm(wire::SwarmRequest, TimePoint) {
  co_return fail(Errc::unsupported, Operation::send, "this session knows no swarms");
}

}  // namespace weft::fetcher
