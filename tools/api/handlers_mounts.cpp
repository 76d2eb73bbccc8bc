// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/target.h"
#include "fs/mount/unmount.h"
#include "indexer/disk/disks.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/api/views.h"
#include "tools/config/quantity.h"
#include "tools/daemon/image_lookup.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

Result<fs::ReadPolicy> policy_of(Node& node, const Call& call) {
  auto policy = node.config().read_policy;
  WEFT_TRY(const auto when_missing, optional_text(call, "policy"));
  WEFT_TRY(const auto hold, optional_text(call, "hold"));
  if (when_missing) {
    WEFT_TRY(policy.when_missing, parse_policy(*when_missing));
  }
  if (hold) {
    WEFT_TRY(policy.deadline, parse_hold(*hold));
  }
  return policy;
}

Result<std::vector<std::string>> monitors_of(const Call& call) {
  constexpr std::size_t most = 16;
  WEFT_TRY(auto monitors, optional_texts(call, "qmp"));
  const bool good = monitors.size() <= most && std::ranges::all_of(monitors, [](const auto& path) {
                      return std::filesystem::path(path).is_absolute();
                    });
  if (good) return monitors;
  return fail(Errc::bad_request, Operation::mount,
              "\"qmp\" must be a list of at most 16 absolute paths");
}

std::unexpected<Error> no_mounts() {
  return fail(Errc::no_daemon, Operation::mount, "this node cannot hold mounts");
}

/// Without a daemon a weft mount at the target is one that a crash left, or another node's; what is
/// recorded would come back with the next daemon.
Result<void> unmount_leftover(Node& node, const std::string& target, bool force) {
  WEFT_TRY(const bool recorded, forget_mount(node.store(), target));
  const auto gone = fs::unmount_at(target, force);
  if (!gone && !(recorded && gone.error().is(Errc::not_mounted))) return gone;
  return {};
}

/// `materialize` is an older way to say "prefetch": "all".
Result<Prefetch> prefetch_of(Node& node, const Call& call) {
  WEFT_TRY(const auto text, optional_text(call, "prefetch"));
  WEFT_TRY(const bool materialize, optional_flag(call, "materialize", false));
  Prefetch prefetch = node.config().prefetch;
  if (text) {
    WEFT_TRY(prefetch, parse_prefetch(*text));
  }
  if (materialize && text && !is_whole(prefetch)) {
    return fail(
        Errc::bad_request, Operation::mount,
        fmt::format("materialize fetches everything, prefetch \"{}\" does not: give one", *text));
  }
  return materialize && !is_whole(prefetch) ? Prefetch::all : prefetch;
}

Result<void> begin_materialize(Node& node, const FoundImage& found, Prefetch prefetch) {
  JobWishes wishes;
  wishes.in_image_order = prefetch == Prefetch::sequential;
  WEFT_CHECK(node.jobs()->start(found.name, found.image, wishes));
  return {};
}

}  // namespace

Reply list_mounts(Node& node, const Call&, const CallContext&) {
  json::array mounts;
  if (node.mounts() == nullptr) return json::object{{"mounts", std::move(mounts)}};
  const auto fetch = node.network()->fetcher().statistics();
  for (const auto& mount : node.mounts()->list()) {
    const auto image =
        std::ranges::find(fetch.images, mount.image, &fetcher::ImageFetchStatus::image);
    mounts.push_back(to_json(mount, image == fetch.images.end() ? nullptr : &*image));
  }
  return json::object{{"mounts", std::move(mounts)}};
}

Reply create_mount(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"image", "target", "peers", "policy", "hold", "prefetch",
                                 "materialize", "create", "qmp"}));
  if (node.mounts() == nullptr) return no_mounts();
  WEFT_TRY(const auto reference, required_text(call, "image"));
  WEFT_TRY(const auto target, required_text(call, "target"));
  WEFT_TRY(const auto policy, policy_of(node, call));
  WEFT_TRY(const auto prefetch, prefetch_of(node, call));
  WEFT_TRY(auto monitors, monitors_of(call));
  fs::TargetOptions options;
  WEFT_TRY(options.create, optional_flag(call, "create", false));
  options.forbidden.push_back(node.store().directory().string());
  WEFT_TRY(const auto prepared, fs::prepare_target(target, options));
  WEFT_CHECK(add_peers_of(node, call));
  std::shared_ptr<WritableDisk> disk;
  WEFT_TRY(const bool is_disk, node.store().disks()->has(reference));
  if (is_disk) {
    WEFT_TRY(disk, node.store().disks()->open(reference));
  }
  WEFT_TRY(const auto found,
           disk ? FoundImage{reference, disk->base(), false} : find_or_adopt(node, reference));
  fs::MountRequest request{found.image,   found.name, prepared.path,
                           prepared.kind, policy,     std::move(disk)};
  WEFT_TRY(const auto status,
           node.mounts()->mount(std::move(request), prefetch, std::move(monitors)));
  spdlog::info("mounted target={} image={} name={} policy={} prefetch={}", status.target,
               to_hex(status.image), status.name, to_string(policy.when_missing),
               to_string(prefetch));
  if (is_whole(prefetch)) WEFT_CHECK(begin_materialize(node, found, prefetch));
  auto view = to_json(status, nullptr);
  const std::filesystem::path path(status.target);
  view["file"] = status.kind == fs::TargetKind::file ? path.string()
                                                     : (path / (status.name + ".raw")).string();
  return view;
}

Reply remove_mount(Node& node, const Call& call, const CallContext&) {
  const auto target = call.query.find("target");
  const auto force = call.query.find("force");
  if (target == call.query.end() || !target->second.starts_with('/')) {
    return fail(Errc::bad_request, Operation::umount, "?target=/absolute/path is required");
  }
  const bool forced = force != call.query.end() && force->second == "true";
  WEFT_CHECK(node.mounts() != nullptr ? node.mounts()->unmount(target->second, forced)
                                      : unmount_leftover(node, target->second, forced));
  spdlog::info("unmounted target={} force={}", target->second, forced);
  return json::object{{"unmounted", target->second}};
}

}  // namespace weft::tools::api
