// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handler_support.h"
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

/// Those the operator named, and those that were found beside them.
std::vector<KnownPeer> all_peers(Node& node, const std::vector<fetcher::PeerStatus>& statuses) {
  std::vector<KnownPeer> all = node.peers().list();
  const std::size_t named = all.size();
  for (const auto& status : statuses) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(named);
    if (std::ranges::find(all.begin(), end, status.address, &KnownPeer::address) != end) continue;
    all.push_back({.address = status.address, .origin = PeerOrigin::swarm});
  }
  return all;
}

}  // namespace

Reply list_peers(Node& node, const Call&, const CallContext&) {
  std::vector<fetcher::PeerStatus> statuses;
  if (node.network() != nullptr) statuses = node.network()->fetcher().peers();
  std::vector<fetcher::PeerHoldings> holdings;
  if (node.network() != nullptr) holdings = node.network()->holdings();
  json::array peers;
  for (const auto& peer : all_peers(node, statuses)) {
    const auto status = std::ranges::find(statuses, peer.address, &fetcher::PeerStatus::address);
    auto view = to_json(peer, status == statuses.end() ? nullptr : &*status);
    const auto seen = std::ranges::find(holdings, peer.address, &fetcher::PeerHoldings::address);
    if (seen != holdings.end()) view["exchange"] = to_json(seen->spent, seen->images.size());
    peers.push_back(std::move(view));
  }
  return json::object{{"peers", std::move(peers)}};
}

Reply add_peer(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"address", "price_per_gib", "site"}));
  WEFT_TRY(const auto address, required_text(call, "address"));
  PeerTerms terms;
  if (call.body.contains("price_per_gib")) {
    WEFT_TRY(terms.price_per_gib, optional_number(call, "price_per_gib", 0));
  }
  WEFT_TRY(terms.site, optional_text(call, "site"));
  if (terms.site && !terms.site->empty()) {
    WEFT_TRY(terms.site, parse_site(*terms.site));
  }
  WEFT_TRY(auto added, node.peers().add(address, PeerOrigin::recorded, std::move(terms)));
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
