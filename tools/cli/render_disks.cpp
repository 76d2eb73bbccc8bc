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

std::string base_of(const json::object& disk) {
  const auto name = text_of(disk, "image_name");
  return name.empty() ? text_of(disk, "image").substr(0, 12) : name;
}

std::string state_of(const json::object& disk) {
  if (flag_of(disk, "damaged")) return "damaged";
  return flag_of(disk, "in_use") ? "in use" : "-";
}

std::string size_or_dash(const json::object& disk, const char* member) {
  return flag_of(disk, "damaged") ? "-" : format_size(bytes_at(disk, member));
}

}  // namespace

std::string render_disks(const json::object& answer) {
  const auto& disks = list_of(answer, "disks");
  if (disks.empty()) return "no disks: `weft disk create NAME --image IMAGE` makes one\n";
  using enum Table::Align;
  Table table(
      {{"NAME"}, {"IMAGE"}, {"SIZE", right}, {"WRITTEN", right}, {"ON DISK", right}, {"STATE"}});
  for (const auto& value : disks) {
    if (!value.is_object()) continue;
    const auto& disk = value.get_object();
    table.add({text_of(disk, "name"), base_of(disk), format_size(bytes_at(disk, "size")),
               size_or_dash(disk, "written"), size_or_dash(disk, "physical"), state_of(disk)});
  }
  return table.text();
}

std::string render_disk(const json::object& disk) {
  std::string text;
  const auto line = [&](std::string_view title, const std::string& value) {
    text += fmt::format("{:<10}{}\n", title, value);
  };
  line("name", text_of(disk, "name"));
  line("image", fmt::format("{} ({})", base_of(disk), text_of(disk, "image")));
  line("size",
       fmt::format("{} ({} bytes)", format_size(bytes_at(disk, "size")), count_of(disk, "size")));
  line("written", size_or_dash(disk, "written"));
  line("on disk", size_or_dash(disk, "physical"));
  line("state", state_of(disk));
  return text;
}

}  // namespace weft::tools
