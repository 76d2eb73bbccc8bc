// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/api/views.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

}  // namespace

Reply list_peers(Node& node, const Call&, const CallContext&) {
  std::vector<fetcher::PeerStatus> statuses;
  if (node.network() != nullptr) statuses = node.network()->fetcher().peers();
  json::array peers;
  for (const auto& peer : node.peers().list()) {
    const auto status = std::ranges::find(statuses, peer.address, &fetcher::PeerStatus::address);
    peers.push_back(to_json(peer, status == statuses.end() ? nullptr : &*status));
  }
  return json::object{{"peers", std::move(peers)}};
}

Reply add_peer(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"address"}));
  WEFT_TRY(const auto address, required_text(call, "address"));
  WEFT_TRY(auto added, node.peers().add(address, PeerOrigin::recorded));
  spdlog::info("peer added peer={}", added);
  return json::object{{"address", std::move(added)}};
}

Reply remove_peer(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const bool known, node.peers().remove(call.path[2]));
  if (!known) {
    return fail_errno(ENOENT, Operation::control, fmt::format("{} is not a peer", call.path[2]));
  }
  spdlog::info("peer removed peer={}", call.path[2]);
  return json::object{{"removed", call.path[2]}};
}

}  // namespace weft::tools::api
