// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/plan_picture.h"
#include "tools/cli/render.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

std::string time_at(const json::object& object, std::string_view member) {
  const auto time = duration_of(object, member);
  if (!time) return "-";
  const double seconds = number_of(object, member);
  // Plans are compared: of short times a second is much.
  return seconds >= 1 && seconds < 100 ? fmt::format("{:.1f}s", seconds) : format_duration(*time);
}

std::string money_at(const json::object& object, std::string_view member) {
  return fmt::format("{:.4g}", number_of(object, member));
}

bool known(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_number();
}

template <class F>
void for_each(const json::object& object, std::string_view member, F function) {
  for (const auto& value : list_of(object, member)) {
    if (value.is_object()) function(value.get_object());
  }
}

std::string head_of(const json::object& answer) {
  std::string text =
      fmt::format("{}  {}  {} of content, {}{} to come", text_of(answer, "name"),
                  text_of(answer, "image").substr(0, 12), format_size(bytes_at(answer, "content")),
                  flag_of(answer, "estimated") && count_of(answer, "missing") > 0 ? "~" : "",
                  format_size(bytes_at(answer, "missing")));
  const auto wire = bytes_at(answer, "wire");
  if (wire.value() == 0) return text + ": all of it is here\n";
  text += fmt::format(" ({} on the wire)\n", format_size(wire));
  const auto unheld = bytes_at(answer, "unheld");
  if (unheld.value() > 0) {
    text += fmt::format("{} of it no connected peer is known to hold\n", format_size(unheld));
  }
  text += "here in " + time_at(answer, "finish");
  if (known(answer, "finish_earliest") && known(answer, "finish_latest")) {
    text += fmt::format(" ({} to {}, as sure as the links are)", time_at(answer, "finish_earliest"),
                        time_at(answer, "finish_latest"));
  }
  text += fmt::format(", at a cost of {}; no plan is faster than {}", money_at(answer, "cost"),
                      time_at(answer, "bound"));
  if (number_of(answer, "least_cost") < number_of(answer, "cost")) {
    text += fmt::format(", none cheaper than {}", money_at(answer, "least_cost"));
  }
  return text + "\n";
}

std::string tiers_of(const json::object& answer) {
  Table table(
      {{"TIER", right}, {"ON THE WIRE", right}, {"HERE IN", right}, {"BOUND", right}, {"WHY"}});
  for_each(answer, "tiers", [&](const json::object& tier) {
    table.add({std::to_string(count_of(tier, "tier")), format_size(bytes_at(tier, "bytes")),
               time_at(tier, "finish"), time_at(tier, "bound"), text_of(tier, "why")});
  });
  return table.empty() ? "" : "\n" + table.text();
}

/// "1: 20.0 MiB, 3: 1.2 GiB"; of one tier the amount alone.
std::string amounts_of(const json::object& source) {
  if (count_of(source, "bytes") == 0) return "-";
  const auto& tiers = list_of(source, "tiers");
  std::string text;
  for_each(source, "tiers", [&](const json::object& tier) {
    const auto size = format_size(bytes_at(tier, "bytes"));
    if (!text.empty()) text += ", ";
    text += tiers.size() == 1 ? size : fmt::format("{}: {}", count_of(tier, "tier"), size);
  });
  return text;
}

std::string rate_of(const json::object& source) {
  const char* about = object_of(source, "measured").empty() ? "~" : "";
  return about + format_rate(number_of(source, "rate"));
}

std::string sources_of(const json::object& answer) {
  bool sited = false;
  for_each(answer, "sources",
           [&](const json::object& source) { sited |= !text_of(source, "site").empty(); });
  std::vector<Table::Column> columns = {{"FROM"}};
  if (sited) columns.push_back({"SITE"});
  for (const auto* title : {"RATE", "RTT", "PER GiB", "AMOUNT"})
    columns.push_back({title, right});
  Table table(std::move(columns));
  for_each(answer, "sources", [&](const json::object& source) {
    std::vector<std::string> cells = {text_of(source, "address")};
    const auto site = text_of(source, "site");
    if (sited) cells.push_back(site.empty() ? "-" : site);
    cells.insert(cells.end(), {rate_of(source), time_at(source, "delay"),
                               money_at(source, "price_per_gib"), amounts_of(source)});
    table.add(std::move(cells));
  });
  return table.empty() ? "" : "\n" + table.text();
}

std::string pareto_of(const json::object& answer) {
  Table table({{"BUDGET", right}, {"COST", right}, {"HERE IN", right}});
  for_each(answer, "pareto", [&](const json::object& row) {
    table.add({money_at(row, "budget"), money_at(row, "cost"), time_at(row, "finish")});
  });
  return table.empty() ? "" : "\n" + table.text();
}

std::string notes_of(const json::object& answer) {
  std::string text;
  for_each(answer, "left_out", [&](const json::object& peer) {
    text += fmt::format("{}: {}\n", text_of(peer, "address"), text_of(peer, "reason"));
  });
  for (const auto& note : list_of(answer, "notes")) {
    if (note.is_string()) text += fmt::format("~ {}\n", std::string_view(note.get_string()));
  }
  return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string render_plan(const json::object& answer, int columns, bool utf8) {
  if (count_of(answer, "wire") == 0) return head_of(answer);
  const std::string picture = plan_picture(answer, columns, utf8);
  return head_of(answer) + tiers_of(answer) + sources_of(answer) +
         (picture.empty() ? "" : "\n" + picture) + pareto_of(answer) + notes_of(answer);
}

}  // namespace weft::tools
