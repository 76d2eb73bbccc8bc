// SPDX-License-Identifier: Apache-2.0
#include "tools/api/views.h"

#include "indexer/core/clock.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

json::value maybe_seconds(const std::optional<Duration>& duration) {
  return duration ? json::value(to_seconds(*duration)) : json::value(nullptr);
}

json::value or_null(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

/// Rounded down to one decimal, so that 100 is only shown for all.
double percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0 || part >= whole) return 100;
  return std::floor(static_cast<double>(part) * 1000 / static_cast<double>(whole)) / 10;
}

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

}  // namespace

json::value to_json(const fs::RecordingStatus& recording) {
  if (!recording.recording) return nullptr;
  return json::object{{"by_hand", recording.by_hand}, {"blocks", recording.blocks}};
}

json::object to_json(const fetcher::FetchSources& sources) {
  return {{"image", sources.in_image.value()},    {"by_digest", sources.by_digest.value()},
          {"twins", sources.twins.value()},       {"joined", sources.joined.value()},
          {"have_queries", sources.have_queries}, {"have_bytes", sources.have_bytes.value()}};
}

double resident_percent(const ImageUsage& usage) {
  return percent((usage.total - usage.missing).value(), usage.total.value());
}

json::object to_json(const ImageEntry& image) {
  const auto& usage = image.usage;
  return {{"name", image.name},
          {"id", to_hex(image.info.id)},
          {"size", image.info.size.value()},
          {"root", to_hex(image.info.root)},
          {"complete", usage.complete},
          {"percent", resident_percent(usage)},
          {"blocks",
           {{"total", usage.total.value()},
            {"zero", usage.zero.value()},
            {"resident", usage.resident.value()},
            {"borrowed", usage.borrowed.value()},
            {"missing", usage.missing.value()}}},
          {"physical", usage.physical.value()},
          {"in_place", image.in_place},
          {"source", image.source}};
}

json::object to_json(const RemovalReport& report) {
  return {{"freed", report.freed.value()},
          {"blocks_kept_for_borrowers", report.kept_for_borrowers.value()}};
}

json::object to_json(const ImportUpdate& update) {
  return {{"changed", update.changed},
          {"before", to_hex(update.old_id)},
          {"changed_blocks", update.changed_blocks.value()},
          {"read", update.data.value()},
          {"hashed", update.hashed.value()}};
}

json::object progress_json(const Progress& progress) {
  return {{"done", progress.done().value()},
          {"total", progress.total().value()},
          {"percent", percent(progress.done().value(), progress.total().value())},
          {"rate", progress.bytes_per_second()},
          {"eta", maybe_seconds(progress.remaining())}};
}

json::object to_json(const JobView& job) {
  const auto& p = job.progress;
  json::object view{
      {"image", to_hex(job.image)},
      {"name", job.name},
      {"state", fetcher::to_string(p.state)},
      {"done", bytes_of(p.done).value()},
      {"total", bytes_of(p.total).value()},
      {"percent", p.total.value() == 0 ? 0 : percent(p.done.value(), p.total.value())},
      {"fetched", p.fetched.value()},
      {"rate", p.bytes_per_second},
      {"limit", job.bytes_per_second > 0 ? json::value(job.bytes_per_second) : nullptr},
      {"eta", maybe_seconds(p.eta)},
      {"sources", to_json(p.sources)},
      {"spent", p.spent},
      {"budget", or_null(p.budget)},
      {"expected_cost", or_null(p.expected_cost)},
      {"falls_short", p.falls_short},
      {"out_of_money", p.out_of_money},
      {"note", p.note}};
  view["error"] = p.error ? json::value(p.error->message()) : json::value(nullptr);
  return view;
}

json::value to_json(const fetcher::Estimate& rate) {
  if (!rate.known()) return nullptr;
  return json::object{
      {"mean", rate.mean}, {"low", rate.low()}, {"high", rate.high()}, {"samples", rate.samples}};
}

json::object to_json(const fetcher::LinkView& link) {
  json::object view{{"rate_in", to_json(link.rate_in)},
                    {"rate_out", to_json(link.rate_out)},
                    {"round_trip", nullptr},
                    {"loss", nullptr}};
  if (link.round_trip) view["round_trip"] = to_seconds(*link.round_trip);
  if (link.loss.watched > 0) {
    view["loss"] = json::object{{"fraction", link.loss.fraction},
                                {"per_hour", link.loss.per_hour},
                                {"watched", link.loss.watched}};
  }
  return view;
}

json::object to_json(const KnownPeer& peer, const fetcher::PeerStatus* status) {
  json::object view{{"address", peer.address},
                    {"origin", to_string(peer.origin)},
                    {"price_per_gib", peer.link.price_per_gib},
                    {"site", peer.link.site}};
  if (status == nullptr) {
    view["state"] = "unknown";
    return view;
  }
  view["state"] = fetcher::to_string(status->state);
  view["node"] = status->node ? json::value(to_hex(*status->node)) : json::value(nullptr);
  view["name"] = status->name;
  view["rate"] = status->bytes_per_second;
  view["round_trip"] = to_seconds(status->round_trip);
  view["link"] = to_json(status->link);
  view["sent"] = status->link.sent;
  view["received"] = status->received.value();
  view["received_wire"] = status->received_wire.value();
  view["last_error"] = status->last_error;
  view["retry_in"] = to_seconds(status->retry_in);
  json::array banned;
  for (const auto& image : status->banned_for)
    banned.emplace_back(to_hex(image));
  view["banned_for"] = std::move(banned);
  view["false_haves"] = status->false_haves;
  return view;
}

json::object to_json(const fetcher::ExchangeStatistics& spent, std::size_t images) {
  return {{"images", images},
          {"lists", spent.lists},
          {"list_bytes", spent.list_bytes.value()},
          {"signatures", spent.signatures},
          {"signature_bytes", spent.signature_bytes.value()},
          {"wanted", spent.wanted},
          {"refused", spent.refused}};
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
  view["recording"] = to_json(mount.recording);
  view["waiting_for"] = oldest_reason(mount, fetch);
  return view;
}

json::object to_json(const fetcher::FetchStatistics& fetch) {
  return {{"reads", fetch.reads},
          {"reads_failed", fetch.reads_failed},
          {"reads_joined", fetch.reads_joined},
          {"reads_waiting", fetch.reads_waiting},
          {"stall", to_seconds(fetch.stalled)},
          {"wait_p50", to_seconds(fetch.wait_p50)},
          {"wait_p99", to_seconds(fetch.wait_p99)},
          {"received", fetch.received.value()},
          {"received_wire", fetch.received_wire.value()},
          {"received_for_demand", fetch.received_by_priority[1].value()},
          {"received_for_readahead", fetch.received_by_priority[2].value()},
          {"received_for_prefetch", fetch.received_by_priority[3].value()},
          {"sources", to_json(fetch.sources)},
          {"discarded", fetch.discarded.value()},
          {"peers_banned", fetch.peers_banned}};
}

}  // namespace weft::tools
