// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render_similar.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t widest_id = 32;
constexpr int narrowest_members = 20;

std::vector<std::string> texts(const json::array& list) {
  std::vector<std::string> texts;
  for (const auto& value : list) {
    if (value.is_string()) texts.emplace_back(value.get_string());
  }
  return texts;
}

// As many of the names as fit, and the number of the others.
std::string members_cell(const std::vector<std::string>& members, std::size_t images,
                         std::size_t room) {
  if (members.size() == images && images > 1) return "all";
  std::string text;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto rest = fmt::format(" +{}", members.size() - i);
    if (i > 0 && text.size() + 1 + members[i].size() + rest.size() > room) return text + rest;
    if (i > 0) text += ' ';
    text += members[i];
  }
  return text;
}

std::string id_cell(const std::string& id) {
  return id.size() <= widest_id ? id : id.substr(0, widest_id - 1) + "…";
}

std::string bits_explained(const json::array& images) {
  if (images.size() > widest_id) return "\n--json shows whole ids and all members\n";
  std::string text = "\nbits, from the left:";
  std::size_t column = text.size();
  for (const auto& value : images) {
    const auto label = value.is_object() ? text_of(value.get_object(), "label") : std::string();
    if (column + 1 + label.size() > 80) {
      text += "\n ";
      column = 1;
    }
    text += " " + label;
    column += 1 + label.size();
  }
  return text + "\n";
}

}  // namespace

std::string render_clusters(const json::object& answer, int columns) {
  const auto& images = list_of(answer, "images");
  if (images.empty()) return "no images: `weft import FILE` makes one\n";
  const bool exact = flag_of(answer, "exact");
  const char* about = exact ? "" : "~";
  // What the other columns take.
  const int before = static_cast<int>(std::min(images.size(), widest_id)) + 34;
  const auto room = static_cast<std::size_t>(std::max(narrowest_members, columns - before));
  using enum Table::Align;
  Table table({{"CLUSTER"}, {"IMAGES", right}, {"BLOCKS", right}, {"DATA", right}, {"IN"}});
  for (const auto& value : list_of(answer, "clusters")) {
    if (!value.is_object()) continue;
    const auto& cluster = value.get_object();
    const auto members = texts(list_of(cluster, "members"));
    table.add({id_cell(text_of(cluster, "id")), std::to_string(members.size()),
               fmt::format("{}{}", about, count_of(cluster, "blocks")),
               about + format_size(bytes_at(cluster, "bytes")),
               members_cell(members, images.size(), room)});
  }
  std::string text = table.text();
  if (const auto more = count_of(answer, "more"); more > 0) {
    text += fmt::format("and {} smaller ones: --limit shows more\n", more);
  }
  text += bits_explained(images);
  if (!exact) text += "\n~ estimated from samples; --json shows the standard error\n";
  for (const auto& value : list_of(answer, "left_out")) {
    if (!value.is_object()) continue;
    text += fmt::format("\nleft out: {}: {}\n", text_of(value.get_object(), "label"),
                        text_of(value.get_object(), "reason"));
  }
  return text;
}

}  // namespace weft::tools
