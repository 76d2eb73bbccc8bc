// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/daemon/disk_switcher.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

namespace weft::tools::api {

namespace json = boost::json;

Reply switch_mount(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"target", "qmp"}));
  WEFT_TRY(const auto target, required_text(call, "target"));
  WEFT_TRY(const std::filesystem::path socket, required_text(call, "qmp"));
  if (!socket.is_absolute()) {
    return fail(Errc::bad_request, Operation::control, "\"qmp\" must be an absolute path");
  }
  if (node.mounts() == nullptr) return fail(Errc::not_mounted, Operation::control, target);
  WEFT_TRY(const SwitchedDisk switched,
           switch_mounted(*node.mounts(), target, socket, context.stop));
  spdlog::info("disk switched target={} qmp={} nodes={}", target, socket.string(),
               switched.nodes.size());
  json::array names;
  for (const FileNode& each : switched.nodes)
    names.emplace_back(each.name);
  return json::object{
      {"target", target}, {"nodes", std::move(names)}, {"mode", switched.opens.mode()}};
}

}  // namespace weft::tools::api
