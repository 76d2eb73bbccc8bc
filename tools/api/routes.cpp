// SPDX-License-Identifier: Apache-2.0
#include "tools/api/routes.h"

#include "tools/api/handlers.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace weft::tools {
namespace {

using Handler = Reply (*)(Node&, const Call&, const CallContext&);

struct Route {
  std::string_view method;
  std::string_view path;  ///< "*" stands for one segment
  Handler handler;
  bool is_long = false;
  bool is_text = false;
};

constexpr std::array routes{
    Route{"GET", "v1/version", api::get_version},
    Route{"GET", "v1/status", api::get_status},
    Route{"GET", "v1/metrics", api::get_metrics, false, true},
    Route{"GET", "v1/images", api::list_images},
    Route{"POST", "v1/images", api::import_image, true},
    Route{"GET", "v1/images/*", api::get_image},
    Route{"POST", "v1/images/*/update", api::update_image, true},
    Route{"DELETE", "v1/images/*", api::remove_image},
    Route{"POST", "v1/images/*/detach", api::detach_image, true},
    Route{"GET", "v1/similar", api::get_similar, true},
    Route{"GET", "v1/clusters", api::get_clusters, true},
    Route{"GET", "v1/images/*/where", api::where_image},
    Route{"GET", "v1/images/*/plan", api::plan_image, true},
    Route{"GET", "v1/images/*/diff/*", api::diff_images},
    Route{"GET", "v1/peers", api::list_peers},
    Route{"POST", "v1/peers", api::add_peer},
    Route{"DELETE", "v1/peers/*", api::remove_peer},
    Route{"GET", "v1/mounts", api::list_mounts},
    Route{"POST", "v1/mounts", api::create_mount, true},
    Route{"DELETE", "v1/mounts", api::remove_mount},
    Route{"POST", "v1/mounts/record", api::record_boot},
    Route{"GET", "v1/profiles", api::list_profiles},
    Route{"POST", "v1/profiles", api::import_profile},
    Route{"GET", "v1/profiles/*", api::get_profile},
    Route{"GET", "v1/profiles/*/export", api::export_profile},
    Route{"DELETE", "v1/profiles/*", api::drop_profile},
    Route{"GET", "v1/disks", api::list_disks},
    Route{"POST", "v1/disks", api::create_disk, true},
    Route{"GET", "v1/disks/*", api::get_disk},
    Route{"POST", "v1/disks/*/commit", api::commit_disk, true},
    Route{"DELETE", "v1/disks/*", api::remove_disk},
    Route{"POST", "v1/mounts/switch", api::switch_mount, true},
    Route{"GET", "v1/jobs", api::list_jobs},
    Route{"POST", "v1/jobs", api::start_job, true},
    Route{"GET", "v1/jobs/*", api::get_job},
    Route{"GET", "v1/jobs/*/wait", api::wait_job, true},
    Route{"PATCH", "v1/jobs/*", api::change_job},
    Route{"DELETE", "v1/jobs/*", api::cancel_job},
    Route{"POST", "v1/upgrade", api::start_upgrade, true},
};

bool path_matches(std::string_view pattern, const std::vector<std::string>& path) {
  for (const auto& segment : path) {
    const auto part = pattern.substr(0, pattern.find('/'));
    if (part.empty() || (part != "*" && part != segment)) return false;
    pattern.remove_prefix(std::min(pattern.size(), part.size() + 1));
  }
  return pattern.empty();
}

const Route* find_route(const Call& call) {
  for (const auto& route : routes) {
    if (route.method == call.method && path_matches(route.path, call.path)) return &route;
  }
  return nullptr;
}

}  // namespace

bool is_long(const Call& call) {
  const auto* route = find_route(call);
  return route != nullptr && route->is_long;
}

bool is_text(const Call& call) {
  const auto* route = find_route(call);
  return route != nullptr && route->is_text;
}

Reply dispatch(Node& node, const Call& call, const CallContext& context) {
  const auto* route = find_route(call);
  if (route == nullptr) {
    return fail(Errc::bad_request, Operation::control,
                fmt::format("there is no request {} {}", call.method, target_of(call)));
  }
  return route->handler(node, call, context);
}

}  // namespace weft::tools
