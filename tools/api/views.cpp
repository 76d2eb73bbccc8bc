// SPDX-License-Identifier: Apache-2.0
#include "tools/api/views.h"

#include "indexer/core/clock.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

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

}  // namespace

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
