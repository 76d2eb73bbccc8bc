// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

bool known(const json::object& node, std::string_view member) {
  const auto* value = node.if_contains(member);
  return value != nullptr && value->is_number();
}

std::string size_or_unknown(const json::object& node, std::string_view member) {
  if (!known(node, member)) return "?";
  const char* about = flag_of(node, "exact") ? "" : "~";
  return about + format_size(bytes_at(node, member));
}

std::string time_or_unknown(const json::object& node) {
  const auto time = duration_of(node, "time");
  if (!known(node, "time") || !time) return "?";
  return *time == Duration(0) ? "now" : format_duration(*time);
}

std::string price_or_unknown(const json::object& node) {
  return known(node, "price") ? fmt::format("{:.4g}", number_of(node, "price")) : "?";
}

std::string name_of(const json::object& node) {
  const auto name = text_of(node, "name");
  return name.empty() ? "-" : name;
}

std::string sources_of(const json::object& node) {
  std::string sources;
  for (const auto& source : list_of(node, "sources")) {
    if (!sources.empty()) sources += ", ";
    sources += source.is_string() ? std::string(source.get_string()) : "this node";
  }
  return sources.empty() ? "-" : sources;
}

}  // namespace

std::string render_where(const json::object& answer) {
  std::string text =
      fmt::format("{}  {}  {} of content\n\n", text_of(answer, "name"),
                  text_of(answer, "image").substr(0, 12), format_size(bytes_at(answer, "content")));
  Table table({{"NODE"},
               {"ADDRESS"},
               {"HOLDS", right},
               {"NEEDS", right},
               {"TIME", right},
               {"PRICE", right},
               {"FROM"},
               {"NOTE"}});
  bool estimated = false;
  for (const auto& value : list_of(answer, "nodes")) {
    if (!value.is_object()) continue;
    const auto& node = value.get_object();
    estimated |= known(node, "holds") && !flag_of(node, "exact");
    table.add({name_of(node), flag_of(node, "here") ? "(this node)" : text_of(node, "address"),
               size_or_unknown(node, "holds"), size_or_unknown(node, "needs"),
               time_or_unknown(node), price_or_unknown(node), sources_of(node),
               text_of(node, "note")});
  }
  text += table.text();
  if (estimated) text += "\n~ estimated from signatures of other images there\n";
  return text;
}

std::string render_diff(const json::object& answer) {
  const auto extents = count_of(answer, "extents");
  if (extents == 0) return "no difference\n";
  Table table({{"OFFSET", right}, {"LENGTH", right}});
  for (const auto& value : list_of(answer, "list")) {
    if (!value.is_object()) continue;
    const auto& extent = value.get_object();
    table.add(
        {std::to_string(count_of(extent, "offset")), std::to_string(count_of(extent, "length"))});
  }
  auto text = table.text();
  if (flag_of(answer, "truncated")) {
    text += fmt::format("… and {} more\n", extents - list_of(answer, "list").size());
  }
  text += fmt::format("\n{} ({} bytes) changed in {} extent{}\n",
                      format_size(bytes_at(answer, "changed")), count_of(answer, "changed"),
                      extents, extents == 1 ? "" : "s");
  return text;
}

}  // namespace weft::tools
