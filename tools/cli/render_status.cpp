// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

std::string time_or_dash(const json::object& object, std::string_view member) {
  const auto time = duration_of(object, member);
  return time && *time > Duration::zero() ? format_duration(*time) : "-";
}

std::string node_lines(const json::object& status) {
  const auto& node = object_of(status, "node");
  if (!flag_of(node, "network")) {
    return fmt::format("no daemon runs on {}: what is on disk is shown\n", text_of(node, "state"));
  }
  const auto listen = text_of(node, "listen");
  return fmt::format("node {} ({}), weft {}, up {}, {}\n", text_of(node, "name"),
                     text_of(node, "id").substr(0, 12), text_of(node, "version"),
                     format_duration(duration_of(node, "uptime").value_or(Duration(0))),
                     listen.empty() ? "serving no peers" : "serving peers on " + listen);
}

std::string space_lines(const json::object& status) {
  const auto& disk = object_of(status, "disk");
  auto text =
      fmt::format("disk: {} used, {} free (floor {})\n", format_size(bytes_at(disk, "physical")),
                  format_size(bytes_at(disk, "free")), format_size(bytes_at(disk, "floor")));
  if (flag_of(disk, "flush_failing")) {
    text += "disk: WRITES DO NOT BECOME DURABLE: see the log\n";
  }
  return text;
}

std::string network_lines(const json::object& status) {
  const auto& fetch = object_of(status, "fetch");
  const auto& served = object_of(status, "served");
  if (fetch.empty()) return "";
  return fmt::format(
      "fetched: {} ({} on the wire), {} for reads; sent to peers: {}\n",
      format_size(bytes_at(fetch, "received")), format_size(bytes_at(fetch, "received_wire")),
      format_size(bytes_at(fetch, "received_for_demand")), format_size(bytes_at(served, "sent")));
}

/// "cached 2, direct 1": how the files that are open now are served.
std::string mode_of(const json::object& mount) {
  const auto& opens = object_of(mount, "opens");
  std::string text;
  for (const char* mode : {"passthrough", "cached", "direct"}) {
    const auto count = count_of(opens, mode);
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", mode, count);
  }
  return text.empty() ? "-" : text;
}

std::string mount_lines(const json::object& status) {
  const auto& mounts = list_of(status, "mounts");
  if (mounts.empty()) return "";
  Table table({{"MOUNT"},
               {"IMAGE"},
               {"MODE"},
               {"READS", right},
               {"WAITED", right},
               {"FAILED", right},
               {"STALL", right},
               {"P99", right},
               {"WAITING NOW"}});
  for (const auto& value : mounts) {
    if (!value.is_object()) continue;
    const auto& mount = value.get_object();
    const auto& reads = object_of(mount, "reads");
    const auto& waiting = list_of(mount, "waiting");
    std::string now = "-";
    if (!waiting.empty() && waiting.front().is_object()) {
      const auto oldest = duration_of(waiting.front().get_object(), "age").value_or(Duration(0));
      now = fmt::format("{} for up to {}: {}", waiting.size(), format_duration(oldest),
                        text_of(mount, "waiting_for"));
    }
    table.add({text_of(mount, "target"), text_of(mount, "name"), mode_of(mount),
               std::to_string(count_of(reads, "resident") + count_of(reads, "missing")),
               std::to_string(count_of(reads, "missing")),
               std::to_string(count_of(reads, "failed")), time_or_dash(reads, "stall"),
               time_or_dash(reads, "missing_p99"), now});
  }
  return "\n" + table.text();
}

/// How long reads took by where their blocks came from: the stall of a guest, and who made it.
std::string origin_lines(const json::object& status) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> origins{
      {{"resident", "own pack"},
       {"borrowed", "borrowed"},
       {"local", "local, after a wait"},
       {"lan_peer", "LAN peer"},
       {"wan_peer", "WAN peer"}}};
  Table table({{"MOUNT"},
               {"BLOCKS FROM"},
               {"READS", right},
               {"TOTAL", right},
               {"P50", right},
               {"P99", right},
               {"MAX", right}});
  bool any = false;
  for (const auto& value : list_of(status, "mounts")) {
    if (!value.is_object()) continue;
    const auto& mount = value.get_object();
    const auto& by_origin = object_of(object_of(mount, "reads"), "by_origin");
    for (const auto& [member, name] : origins) {
      const auto& of = object_of(by_origin, member);
      if (count_of(of, "reads") == 0) continue;
      any = true;
      table.add({text_of(mount, "target"), std::string(name), std::to_string(count_of(of, "reads")),
                 time_or_dash(of, "total"), time_or_dash(of, "p50"), time_or_dash(of, "p99"),
                 time_or_dash(of, "max")});
    }
  }
  return any ? "\n" + table.text() : "";
}

std::string foresight(const json::object& boot) {
  const auto by = text_of(boot, "by");
  if (by == "own_profile") return "its profile";
  if (by == "relatives_profile") return "a relative's profile";
  if (by == "layout") return "its file system";
  return "nothing yet";
}

/// What of a boot is fetched before it is read.
std::string boot_lines(const json::object& status) {
  Table table(
      {{"MOUNT"}, {"BOOT FORESEEN BY"}, {"MISSING AT FIRST", right}, {"TO COME", right}, {""}});
  bool any = false;
  for (const auto& value : list_of(status, "mounts")) {
    if (!value.is_object()) continue;
    const auto& mount = value.get_object();
    const auto& boot = object_of(mount, "boot_prefetch");
    if (boot.empty()) continue;
    any = true;
    const bool looking = flag_of(boot, "looking");
    const bool done = !looking && bytes_at(boot, "to_come") == ByteCount(0);
    table.add({text_of(mount, "target"), foresight(boot), format_size(bytes_at(boot, "wanted")),
               done ? "-" : format_size(bytes_at(boot, "to_come")),
               looking ? "looking for more" : ""});
  }
  return any ? "\n" + table.text() : "";
}

/// What guests do to disks.
std::string disk_lines(const json::object& status) {
  Table table({{"DISK"},
               {"WRITES", right},
               {"WRITTEN", right},
               {"P99", right},
               {"DISCARDED", right},
               {"FLUSHES", right},
               {"P99", right},
               {"WAITED", right},
               {"FAILED", right}});
  bool any = false;
  for (const auto& value : list_of(status, "mounts")) {
    if (!value.is_object()) continue;
    const auto& mount = value.get_object();
    const auto& changes = object_of(mount, "changes");
    if (changes.empty()) continue;
    any = true;
    const auto& writes = object_of(changes, "writes");
    const auto& flushes = object_of(changes, "flushes");
    table.add({text_of(mount, "name"), std::to_string(count_of(writes, "count")),
               format_size(bytes_at(changes, "written")), time_or_dash(writes, "p99"),
               format_size(bytes_at(changes, "zeroed")), std::to_string(count_of(flushes, "count")),
               time_or_dash(flushes, "p99"), std::to_string(count_of(changes, "waited")),
               std::to_string(count_of(changes, "failed"))});
  }
  return any ? "\n" + table.text() : "";
}

std::string job_lines(const json::object& status) {
  const auto text = render_jobs(status);
  return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string render_jobs(const json::object& answer) {
  const auto& jobs = list_of(answer, "jobs");
  if (jobs.empty()) return "";
  Table table({{"MATERIALIZE"}, {"STATE"}, {"PROGRESS"}});
  for (const auto& value : jobs) {
    if (!value.is_object()) continue;
    const auto& job = value.get_object();
    const auto error = text_of(job, "error");
    table.add({text_of(job, "name"), text_of(job, "state"),
               error.empty() ? render_progress(job) : error});
  }
  return table.text();
}

std::string render_status(const json::object& status) {
  auto text = node_lines(status) + space_lines(status) + network_lines(status);
  if (!list_of(status, "images").empty()) text += "\n" + render_images(status);
  text += mount_lines(status) + origin_lines(status) + disk_lines(status) + boot_lines(status) +
          job_lines(status);
  if (!list_of(status, "peers").empty()) text += "\n" + render_peers(status);
  return text;
}

std::string render_version(const json::object& version) {
  auto text =
      fmt::format("weft {} (control API {}, wire protocol {})\n", text_of(version, "version"),
                  count_of(version, "api"), count_of(version, "protocol"));
  const auto& daemon = object_of(version, "daemon");
  if (!daemon.empty()) {
    text +=
        fmt::format("daemon {} (pid {})\n", text_of(daemon, "version"), count_of(daemon, "pid"));
  }
  return text;
}

}  // namespace weft::tools
