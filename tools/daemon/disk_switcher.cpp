// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/disk_switcher.h"

#include "tools/daemon/mount_book.h"
#include "tools/qmp/qmp_client.h"
#include "tools/qmp/switch_disk.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

namespace weft::tools {
namespace {

/// For all that is said to QEMU.
constexpr Duration longest_switch = std::chrono::seconds(30);
constexpr Duration round_interval = std::chrono::seconds(2);
constexpr Duration retry_interval = std::chrono::minutes(1);

Result<fs::MountStatus> find_mount(const MountBook& mounts, const std::string& target) {
  const auto all = mounts.list();
  const auto found = std::ranges::find(all, target, &fs::MountStatus::target);
  if (found != all.end()) return *found;
  return fail(Errc::not_mounted, Operation::control, target);
}

std::filesystem::path file_of(const fs::MountStatus& mount) {
  const std::filesystem::path target(mount.target);
  return mount.kind == fs::TargetKind::file ? target : target / (mount.name + ".raw");
}

/// QEMU's own opens may be the cached ones that are held.
bool may_pass(const fs::OpensStatus& opens) noexcept {
  return opens.obstacle.empty() || (opens.counts.cached > 0 && opens.pack_is_whole);
}

}  // namespace

bool is_worth_a_switch(const fs::OpensStatus& opens) noexcept {
  return may_pass(opens) && opens.counts.cached + opens.counts.direct > 0;
}

Result<SwitchedDisk> switch_mounted(const MountBook& mounts, const std::string& target,
                                    const std::filesystem::path& socket,
                                    const std::stop_token& stop) {
  WEFT_TRY(const auto before, find_mount(mounts, target));
  if (!may_pass(before.opens)) {
    return fail(
        Errc::unsupported, Operation::control,
        fmt::format("{}: its reads cannot be passed through: {}", target, before.opens.obstacle));
  }
  WEFT_TRY(QmpClient qemu, QmpClient::connect(socket, steady_clock().now() + longest_switch, stop));
  WEFT_TRY(auto nodes, switch_disk(qemu, file_of(before)));
  WEFT_TRY(const auto after, find_mount(mounts, target));
  if (after.opens.counts.passthrough == 0) {
    return fail(Errc::target_busy, Operation::control,
                fmt::format("{}: QEMU has opened it again, but not in passthrough: {}; close what "
                            "else has the file open and switch again",
                            target, after.opens.obstacle));
  }
  return SwitchedDisk{std::move(nodes), after.opens};
}

DiskSwitcher::DiskSwitcher(MountBook& mounts)
    : mounts_(mounts), thread_([this] { round(); }, round_interval) {}

DiskSwitcher::~DiskSwitcher() {
  stop_.request_stop();
  thread_.stop();
}

void DiskSwitcher::round() {
  const auto wishes = mounts_.monitors();
  std::erase_if(tried_, [&](const auto& entry) {
    return std::ranges::find(wishes, entry.first) == wishes.end();
  });
  if (wishes.empty()) return;
  const auto all = mounts_.list();
  for (const Wish& wish : wishes) {
    const auto mount = std::ranges::find(all, wish.first, &fs::MountStatus::target);
    if (mount != all.end() && !stop_.stop_requested()) attempt(wish, mount->opens);
  }
}

void DiskSwitcher::attempt(const Wish& wish, const fs::OpensStatus& opens) {
  const auto& [target, socket] = wish;
  auto& tried = tried_[wish];
  // A QEMU that has come anew opens the file in the right mode by itself, or shows as one more
  // open.
  if (opens.counts.passthrough == 0) tried.done = false;
  const TimePoint now = steady_clock().now();
  if (tried.done || now < tried.retry || !is_worth_a_switch(opens)) return;
  if (::access(socket.c_str(), F_OK) != 0) return;
  tried.retry = now + retry_interval;
  const auto switched = switch_mounted(mounts_, target, socket, stop_.get_token());
  tried.done = switched.has_value();
  if (switched) {
    spdlog::info("disk switched target={} qmp={} nodes={}", target, socket, switched->nodes.size());
  } else if (!switched.error().is(Errc::cancelled)) {
    spdlog::warn("disk not switched target={} qmp={} reason=\"{}\"", target, socket,
                 switched.error().message());
  }
}

}  // namespace weft::tools
