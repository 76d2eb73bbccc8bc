// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

constexpr std::uint64_t bar_length = 40;

std::string name_or_id(const json::object& profile) {
  const auto name = text_of(profile, "name");
  return name.empty() ? text_of(profile, "image").substr(0, 12) : name;
}

std::string seconds_of(const json::object& profile, std::string_view member) {
  return fmt::format("{:.1f}s", number_of(profile, member));
}

std::string origin_of(const json::object& profile) {
  std::string text;
  const auto add = [&](std::string part) { text += (text.empty() ? "" : ", ") + std::move(part); };
  if (const auto n = count_of(profile, "recorded")) add(fmt::format("{} recorded here", n));
  if (const auto n = count_of(profile, "imported")) add(fmt::format("{} imported", n));
  if (flag_of(profile, "from_peer")) add("from a peer");
  return text.empty() ? "-" : text;
}

/// A bar for each step of time: '#' for what is here, '-' for what is missing.
std::string picture(const json::object& profile) {
  const auto& steps = list_of(profile, "time_line");
  std::uint64_t most = 1;
  for (const auto& value : steps) {
    if (value.is_object()) most = std::max(most, count_of(value.get_object(), "blocks"));
  }
  std::string text;
  for (const auto& value : steps) {
    if (!value.is_object()) continue;
    const auto& step = value.get_object();
    const auto blocks = count_of(step, "blocks");
    const auto length = (blocks * bar_length + most - 1) / most;
    const auto here = blocks == 0 ? 0 : std::min(count_of(step, "here"), blocks) * length / blocks;
    text += fmt::format("  {:>8}  {}{}{}{}\n", seconds_of(step, "begin"), std::string(here, '#'),
                        std::string(length - here, '-'), length > 0 ? "  " : "",
                        blocks > 0 ? format_size(bytes_of(BlockCount(blocks))) : "");
  }
  return text;
}

}  // namespace

std::string render_profiles(const json::object& answer) {
  Table table(
      {{"IMAGE"}, {"BOOTS", right}, {"BLOCKS", right}, {"SIZE", right}, {"TIME", right}, {"FROM"}});
  for (const auto& value : list_of(answer, "profiles")) {
    if (!value.is_object()) continue;
    const auto& profile = value.get_object();
    table.add({name_or_id(profile), std::to_string(count_of(profile, "boots")),
               std::to_string(count_of(profile, "blocks")), format_size(bytes_at(profile, "bytes")),
               seconds_of(profile, "seconds"), origin_of(profile)});
  }
  if (table.empty()) return "no boot profiles: a boot from a mount is recorded by itself\n";
  return table.text();
}

std::string render_profile(const json::object& profile) {
  auto text = fmt::format("{}  {}\n", name_or_id(profile), text_of(profile, "image").substr(0, 12));
  if (!flag_of(profile, "own")) {
    text += fmt::format("  of        {}: no boot of this image is known",
                        text_of(profile, "recorded_for").substr(0, 12));
    const auto* held = profile.if_contains("held");
    if (held != nullptr && held->is_number()) {
      text += fmt::format("; it holds {:.0f}% of these blocks", held->to_number<double>() * 100);
    }
    text += "\n";
  }
  const auto boots = count_of(profile, "boots");
  text += fmt::format("  boots     {} ({})\n", boots, origin_of(profile));
  text += fmt::format("  reads     {} in {} blocks within {}\n",
                      format_size(bytes_at(profile, "bytes")), count_of(profile, "blocks"),
                      seconds_of(profile, "seconds"));
  if (boots > 1) {
    text += fmt::format("  in every  {} of the blocks\n", count_of(profile, "in_every_boot"));
  }
  text += fmt::format("  here      {}\n\n", format_size(bytes_at(profile, "here")));
  return text + picture(profile) + "\n  # here, - missing\n";
}

}  // namespace weft::tools
