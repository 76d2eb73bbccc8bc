// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/clock.h"
#include "tools/api/handlers.h"
#include "tools/api/metrics.h"
#include "tools/api/views.h"
#include "tools/daemon/node.h"
#include "tools/daemon/upgrade_desk.h"
#include "tools/version.h"

#include <boost/json.hpp>

#include <filesystem>

#include <unistd.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

json::object served_json(const fetcher::PeerServerStats& served) {
  return {{"connections", served.connections}, {"requests", served.requests},
          {"blocks", served.blocks_sent},      {"sent", served.bytes_sent},
          {"received", served.bytes_received}, {"protocol_errors", served.protocol_errors}};
}

Result<json::object> disk_json(Node& node, const std::vector<ImageEntry>& images) {
  ByteCount physical;
  for (const auto& image : images)
    physical += image.usage.physical;
  WEFT_TRY(const auto free, posix_file_system().free_space(node.store().directory()));
  return json::object{{"physical", physical.value()},
                      {"free", free.value()},
                      {"floor", node.config().free_space_floor.value()},
                      {"flush_failing", node.flush_failing()}};
}

json::object node_json(Node& node) {
  const Duration uptime = steady_clock().now() - node.started();
  const auto listening = node.network() != nullptr ? node.network()->listening() : std::nullopt;
  json::object view{{"id", to_hex(node.store().node_id())},
                    {"name", node.name()},
                    {"state", node.store().directory().string()},
                    {"pid", ::getpid()},
                    {"version", version},
                    {"uptime", to_seconds(uptime)},
                    {"network", node.network() != nullptr}};
  view["listen"] = listening ? json::value(fetcher::to_string(*listening)) : nullptr;
  return view;
}

/// One entry per content: several names of one image share it.
json::array images_json(const std::vector<ImageEntry>& images) {
  json::array view;
  for (const auto& image : images)
    view.push_back(to_json(image));
  return view;
}

std::string own_executable() {
  std::error_code problem;
  return std::filesystem::read_symlink("/proc/self/exe", problem).string();
}

json::object upgrade_json(Node& node) {
  UpgradeDesk* const desk = node.upgrades();
  if (desk == nullptr) return {{"under_way", false}, {"last_error", nullptr}};
  const auto error = desk->last_error();
  return {{"under_way", desk->state() != UpgradeDesk::State::idle},
          {"last_error", error.empty() ? json::value(nullptr) : json::value(error)}};
}

}  // namespace

Reply get_version(Node& node, const Call&, const CallContext&) {
  return json::object{{"version", version},
                      {"api", api_version},
                      {"protocol", fetcher::wire::protocol_version},
                      {"node", to_hex(node.store().node_id())},
                      {"pid", ::getpid()},
                      {"executable", own_executable()},
                      {"upgrade", upgrade_json(node)}};
}

Reply get_metrics(Node& node, const Call&, const CallContext&) {
  MetricsInput input;
  input.version = version;
  input.uptime = steady_clock().now() - node.started();
  WEFT_TRY(input.images, node.store().list());
  if (node.mounts() != nullptr) input.mounts = node.mounts()->list();
  if (node.jobs() != nullptr) input.jobs = node.jobs()->list();
  if (node.network() != nullptr) {
    input.peers = node.network()->fetcher().peers();
    input.fetch = node.network()->fetcher().statistics();
    input.served = node.network()->served();
  }
  return json::object{{"text", metrics_text(input)}};
}

Reply get_status(Node& node, const Call& call, const CallContext& context) {
  WEFT_TRY(const auto images, node.store().list());
  json::object status;
  status["node"] = node_json(node);
  WEFT_TRY(status["disk"], disk_json(node, images));
  status["images"] = images_json(images);
  WEFT_TRY(auto mounts, list_mounts(node, call, context));
  status["mounts"] = std::move(mounts["mounts"]);
  WEFT_TRY(auto jobs, list_jobs(node, call, context));
  status["jobs"] = std::move(jobs["jobs"]);
  WEFT_TRY(auto peers, list_peers(node, call, context));
  status["peers"] = std::move(peers["peers"]);
  if (node.network() != nullptr) {
    status["fetch"] = to_json(node.network()->fetcher().statistics());
    status["served"] = served_json(node.network()->served());
  }
  return status;
}

}  // namespace weft::tools::api
