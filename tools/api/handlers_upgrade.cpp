// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/daemon/node.h"
#include "tools/daemon/upgrade_desk.h"
#include "tools/version.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <unistd.h>

namespace weft::tools::api {

Reply start_upgrade(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"binary"}));
  WEFT_TRY(const auto binary, required_text(call, "binary"));
  if (node.upgrades() == nullptr) {
    return fail(Errc::unsupported, Operation::serve, "this node has no supervisor");
  }
  WEFT_TRY(const auto candidate, node.upgrades()->prepare(binary));
  spdlog::info("upgrade begins binary={} pid={} version={}", binary, candidate.process_id,
               candidate.build);
  return boost::json::object{{"from", {{"pid", ::getpid()}, {"version", version}}},
                             {"to", {{"pid", candidate.process_id}, {"version", candidate.build}}}};
}

}  // namespace weft::tools::api
