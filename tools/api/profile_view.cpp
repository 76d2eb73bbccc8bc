// SPDX-License-Identifier: Apache-2.0
#include "tools/api/profile_view.h"

#include <boost/json.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using fetcher::ProfileEntry;
using std::chrono::milliseconds;

constexpr std::int64_t time_line_steps = 24;

double seconds(milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

milliseconds length_of(const fetcher::BootProfile& profile) {
  return profile.entries.back().at;
}

/// Equal steps of time, with what is needed in each.
json::array time_line(const ShownProfile& shown) {
  struct Step {
    std::uint64_t blocks = 0;
    std::uint64_t here = 0;
  };
  const auto& entries = shown.kept.profile.entries;
  const milliseconds step{length_of(shown.kept.profile).count() / time_line_steps + 1};
  std::vector<Step> steps(static_cast<std::size_t>(length_of(shown.kept.profile) / step) + 1);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Step& of_entry = steps[static_cast<std::size_t>(entries[i].at / step)];
    ++of_entry.blocks;
    of_entry.here += shown.here[i] ? 1 : 0;
  }
  json::array line;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto begin = step * static_cast<std::int64_t>(i);
    line.push_back(json::object{{"begin", seconds(begin)},
                                {"end", seconds(begin + step)},
                                {"blocks", steps[i].blocks},
                                {"here", steps[i].here}});
  }
  return line;
}

json::array entries_json(const ShownProfile& shown, std::size_t most) {
  const auto& entries = shown.kept.profile.entries;
  json::array list;
  for (std::size_t i = 0; i < std::min(most, entries.size()); ++i) {
    const ProfileEntry& entry = entries[i];
    list.push_back(json::object{{"key", fmt::format("{:016x}", entry.key)},
                                {"block", entry.block.value()},
                                {"at", seconds(entry.at)},
                                {"boots", entry.boots},
                                {"here", bool{shown.here[i]}}});
  }
  return list;
}

}  // namespace

json::object summary_json(const fetcher::ProfileBook::Kept& kept) {
  const auto& profile = kept.profile;
  return {{"recorded_for", to_hex(profile.image)},
          {"boots", profile.boots},
          {"blocks", profile.entries.size()},
          {"bytes", profile.entries.size() * block_size},
          {"seconds", seconds(length_of(profile))},
          {"recorded", kept.recorded},
          {"imported", kept.imported},
          {"from_peer", kept.from_peer},
          {"made", kept.made}};
}

json::object to_json(const ShownProfile& shown, std::size_t entries) {
  json::object view = summary_json(shown.kept);
  view["image"] = to_hex(shown.image);
  view["name"] = shown.name;
  view["own"] = shown.kept.profile.image == shown.image;
  view["held"] = shown.held ? json::value(*shown.held) : json::value(nullptr);
  const auto here = static_cast<std::uint64_t>(std::ranges::count(shown.here, true));
  view["here"] = here * block_size;
  view["in_every_boot"] = static_cast<std::uint64_t>(std::ranges::count_if(
      shown.kept.profile.entries,
      [&](const ProfileEntry& entry) { return entry.boots == shown.kept.profile.boots; }));
  view["time_line"] = time_line(shown);
  if (entries > 0) view["entries"] = entries_json(shown, entries);
  return view;
}

}  // namespace weft::tools
