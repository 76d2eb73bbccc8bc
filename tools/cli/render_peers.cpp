// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

/// "11.9 MiB/s ±8%"; "11.9 MiB/s ?" where the interval is wider than the rate.
std::string rate_of(const json::object& peer) {
  const auto& rate = object_of(object_of(peer, "link"), "rate_in");
  const double mean = rate.empty() ? number_of(peer, "rate") : number_of(rate, "mean");
  if (mean <= 0) return "-";
  if (rate.empty()) return format_rate(mean);
  const double percent = std::ceil((number_of(rate, "high") / mean - 1) * 100 - 1e-6);
  return percent <= 100 ? fmt::format("{} ±{:.0f}%", format_rate(mean), percent)
                        : format_rate(mean) + " ?";
}

std::string round_trip_of(const json::object& peer) {
  const auto time = duration_of(peer, "round_trip");
  if (!time || *time <= Duration::zero()) return "-";
  return *time < std::chrono::milliseconds(1) ? "<1ms" : format_duration(*time);
}

/// "0.3% 2/h": part of the time, and how often.
std::string loss_of(const json::object& peer) {
  const auto& loss = object_of(object_of(peer, "link"), "loss");
  if (loss.empty()) return "-";
  const double percent = number_of(loss, "fraction") * 100;
  if (percent == 0 && number_of(loss, "per_hour") == 0) return "0";
  const auto part = percent < 0.1 ? std::string("<0.1%") : fmt::format("{:.1f}%", percent);
  return fmt::format("{} {:.2g}/h", part, number_of(loss, "per_hour"));
}

std::string note_of(const json::object& peer) {
  auto note = text_of(peer, "last_error");
  const auto add = [&note](const std::string& more) { note += (note.empty() ? "" : "; ") + more; };
  if (text_of(peer, "origin") == "swarm") add("fetches the same image");
  if (text_of(peer, "state") == "waiting" && duration_of(peer, "retry_in")) {
    add("retry in " + format_duration(*duration_of(peer, "retry_in")));
  }
  const auto banned = list_of(peer, "banned_for").size();
  if (banned > 0) {
    add(fmt::format("sent wrong data, not used for {} image{}", banned, banned == 1 ? "" : "s"));
  }
  return note;
}

bool any(const json::array& peers, bool (*what)(const json::object&)) {
  return std::ranges::any_of(peers, [what](const json::value& peer) {
    return peer.is_object() && what(peer.get_object());
  });
}

}  // namespace

std::string render_peers(const json::object& answer) {
  const auto& peers = list_of(answer, "peers");
  if (peers.empty()) return "no peers: `weft peers add HOST:PORT` adds one\n";
  const bool priced = any(peers, [](const auto& p) { return number_of(p, "price_per_gib") > 0; });
  const bool sited = any(peers, [](const auto& p) { return !text_of(p, "site").empty(); });
  std::vector<Table::Column> columns = {{"PEER"}, {"NAME"}, {"STATE"}};
  if (sited) columns.push_back({"SITE"});
  for (const auto* title : {"RATE", "RTT", "LOSS"})
    columns.push_back({title, right});
  if (priced) columns.push_back({"PER GiB", right});
  columns.push_back({"RECEIVED", right});
  columns.push_back({"SENT", right});
  Table table(std::move(columns));
  std::string notes;
  for (const auto& value : peers) {
    if (!value.is_object()) continue;
    const auto& peer = value.get_object();
    const auto or_dash = [&](const char* member) {
      const auto text = text_of(peer, member);
      return text.empty() ? "-" : text;
    };
    std::vector<std::string> cells = {text_of(peer, "address"), or_dash("name"),
                                      text_of(peer, "state")};
    if (sited) cells.push_back(or_dash("site"));
    cells.insert(cells.end(), {rate_of(peer), round_trip_of(peer), loss_of(peer)});
    if (priced) cells.push_back(fmt::format("{:g}", number_of(peer, "price_per_gib")));
    cells.push_back(format_size(bytes_at(peer, "received")));
    cells.push_back(format_size(bytes_at(peer, "sent")));
    table.add(std::move(cells));
    const auto note = note_of(peer);
    if (!note.empty()) notes += fmt::format("{}: {}\n", text_of(peer, "address"), note);
  }
  return table.text() + (notes.empty() ? "" : "\n" + notes);
}

}  // namespace weft::tools
