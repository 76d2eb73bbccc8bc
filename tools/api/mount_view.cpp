// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/clock.h"
#include "tools/api/views.h"

#include <boost/json.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

// A mount: its reads, its changes, what waits and what is foreseen.
namespace weft::tools {
namespace {

namespace json = boost::json;

std::string with_peers(std::string_view what, const std::vector<std::string>& peers) {
  return peers.empty() ? std::string(what) : fmt::format("{} {}", what, fmt::join(peers, ", "));
}

/// Why a read waits, for people.
std::string explain(const fetcher::WaitingFetch& wait) {
  switch (wait.reason) {
    case fetcher::WaitReason::asked:
      return with_peers("asked of", wait.peers);
    case fetcher::WaitReason::verifying:
      return "it has come and is being verified";
    case fetcher::WaitReason::tree:
      return "its tree nodes are being asked for";
    case fetcher::WaitReason::link_full:
      return "other reads go first on the links to its holders";
    case fetcher::WaitReason::over_budget:
      return "what is left of the budget does not pay for it";
    case fetcher::WaitReason::not_held:
      return "no connected peer holds it";
    case fetcher::WaitReason::not_connected:
      return "no peer is connected";
  }
  return "unknown";
}

const fetcher::WaitingFetch* find_wait(const fetcher::ImageFetchStatus* fetch,
                                       const fs::WaitingRead& read) {
  if (fetch == nullptr || !read.ticket) return nullptr;
  const auto wait = std::ranges::find(fetch->waits, *read.ticket, &fetcher::WaitingFetch::ticket);
  return wait == fetch->waits.end() ? nullptr : &*wait;
}

json::object waiting_json(const fs::WaitingRead& read, const fetcher::WaitingFetch* wait) {
  json::object view{{"first_block", read.blocks.first.value()},
                    {"blocks", read.blocks.count.value()},
                    {"age", to_seconds(read.age)},
                    {"thread", read.thread_id},
                    {"missing_block", nullptr},
                    {"missing", nullptr},
                    {"reason", read.ticket ? "answering" : "queue_full"},
                    {"why", read.ticket ? "it is being answered" : "too many reads wait"},
                    {"peers", json::array()}};
  if (wait == nullptr) return view;
  view["missing_block"] = wait->first_missing.value();
  view["missing"] = wait->missing.value();
  view["reason"] = to_string(wait->reason);
  view["why"] = explain(*wait);
  view["peers"] = json::array(wait->peers.begin(), wait->peers.end());
  return view;
}

/// Of the read that waits longest: what it lacks, and why.
json::value oldest_reason(const fs::MountStatus& mount, const fetcher::ImageFetchStatus* fetch) {
  if (mount.waiting.empty()) return nullptr;
  const auto* wait = find_wait(fetch, mount.waiting.front());
  std::string text = wait == nullptr
                         ? "being answered"
                         : fmt::format("block {}: {}", wait->first_missing.value(), explain(*wait));
  if (fetch != nullptr && fetch->disk_full)
    text += "; the disk is full, reads are served without being stored";
  return json::value(text);
}

json::object reads_json(const fs::ReadStatistics& reads) {
  json::object by_origin;
  for (const fs::ReadOrigin origin : fs::all_read_origins) {
    const fs::OriginStatistics& of = reads.of(origin);
    by_origin[fs::to_string(origin)] = json::object{{"reads", of.latency.count},
                                                    {"bytes", of.bytes.value()},
                                                    {"total", to_seconds(of.latency.total)},
                                                    {"p50", to_seconds(of.latency.p50)},
                                                    {"p99", to_seconds(of.latency.p99)},
                                                    {"max", to_seconds(of.latency.max)}};
  }
  return {{"resident", reads.resident},
          {"missing", reads.missing},
          {"failed", reads.failed},
          {"interrupted", reads.interrupted},
          {"bytes", reads.bytes.value()},
          {"stall", to_seconds(reads.stall)},
          {"resident_p50", to_seconds(reads.resident_latency.p50)},
          {"resident_p99", to_seconds(reads.resident_latency.p99)},
          {"missing_p50", to_seconds(reads.missing_latency.p50)},
          {"missing_p99", to_seconds(reads.missing_latency.p99)},
          {"missing_max", to_seconds(reads.missing_latency.max)},
          {"by_origin", std::move(by_origin)}};
}

json::object latency_json(const fs::LatencySummary& latency) {
  return {{"count", latency.count},
          {"total", to_seconds(latency.total)},
          {"p50", to_seconds(latency.p50)},
          {"p99", to_seconds(latency.p99)},
          {"max", to_seconds(latency.max)}};
}

json::object changes_json(const fs::ChangeStatistics& changes) {
  return {{"writes", latency_json(changes.writes)},
          {"written", changes.written.value()},
          {"zeroed_ranges", latency_json(changes.zeroed_ranges)},
          {"zeroed", changes.zeroed.value()},
          {"flushes", latency_json(changes.flushes)},
          {"waited", changes.waited},
          {"failed", changes.failed}};
}

json::value boot_json(const fetcher::ImageFetchStatus* fetch) {
  if (fetch == nullptr || !fetch->boot) return nullptr;
  const fetcher::BootPrefetch& boot = *fetch->boot;
  return json::object{{"by", to_string(boot.by)},
                      {"wanted", bytes_of(boot.wanted).value()},
                      {"to_come", bytes_of(boot.to_come).value()},
                      {"looking", boot.looking}};
}

}  // namespace

json::value to_json(const fs::RecordingStatus& recording) {
  if (!recording.recording) return nullptr;
  return json::object{{"by_hand", recording.by_hand}, {"blocks", recording.blocks}};
}

json::object to_json(const fs::MountStatus& mount, const fetcher::ImageFetchStatus* fetch) {
  json::array waiting;
  for (const auto& read : mount.waiting)
    waiting.push_back(waiting_json(read, find_wait(fetch, read)));
  json::object view{{"target", mount.target},
                    {"kind", to_string(mount.kind)},
                    {"name", mount.name},
                    {"image", to_hex(mount.image)},
                    {"disk", mount.disk},
                    {"policy", to_string(mount.policy.when_missing)},
                    {"hold", to_seconds(mount.policy.deadline)},
                    {"state", to_string(mount.state)},
                    {"mode", mount.opens.mode()},
                    {"opens",
                     {{"cached", mount.opens.counts.cached},
                      {"direct", mount.opens.counts.direct},
                      {"passthrough", mount.opens.counts.passthrough}}},
                    {"passthrough", mount.opens.obstacle.empty() ? std::string("ready")
                                                                 : "no: " + mount.opens.obstacle},
                    {"reads", reads_json(mount.reads)},
                    {"lost_blocks", mount.lost_blocks.value()},
                    {"waiting", std::move(waiting)}};
  view["sources"] = fetch != nullptr ? json::value(to_json(fetch->sources)) : nullptr;
  view["changes"] = mount.disk ? json::value(changes_json(mount.changes)) : nullptr;
  view["boot_prefetch"] = boot_json(fetch);
  view["recording"] = to_json(mount.recording);
  view["waiting_for"] = oldest_reason(mount, fetch);
  return view;
}

}  // namespace weft::tools
