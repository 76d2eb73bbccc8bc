// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/similar_view.h"

#include "tools/cli/json_view.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace weft::tools {

namespace json = boost::json;

SimilarView::SimilarView(const json::object& answer) {
  for (const auto& value : list_of(answer, "images")) {
    const auto& image = value.is_object() ? value.get_object() : json::object();
    images.push_back({text_of(image, "label"), bytes_at(image, "bytes")});
  }
  cells.resize(images.size() * images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    cells[i * images.size() + i] = {.bytes = images[i].bytes,
                                    .percent = images[i].bytes.value() > 0 ? 100.0 : 0,
                                    .exact = true};
  }
  for (const auto& value : list_of(answer, "pairs")) {
    if (!value.is_object()) continue;
    const auto& pair = value.get_object();
    const std::size_t a = count_of(pair, "a");
    const std::size_t b = count_of(pair, "b");
    if (a >= images.size() || b >= images.size()) continue;
    Cell cell{.bytes = bytes_at(pair, "bytes"),
              .percent = number_of(pair, "percent_of_a"),
              .exact = flag_of(pair, "exact")};
    cells[a * images.size() + b] = cell;
    cell.percent = number_of(pair, "percent_of_b");
    cells[b * images.size() + a] = cell;
  }
  if (answer.contains("focus") && answer.at("focus").is_number() &&
      count_of(answer, "focus") < images.size()) {
    focus = count_of(answer, "focus");
  }
  for (const auto& value : list_of(answer, "left_out")) {
    if (!value.is_object()) continue;
    left_out.push_back(text_of(value.get_object(), "label"));
    why_left_out = text_of(value.get_object(), "reason");
  }
}

std::vector<std::size_t> SimilarView::closest(std::size_t image) const {
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (i != image && at(image, i).bytes.value() > 0) others.push_back(i);
  }
  std::ranges::sort(others, [&](std::size_t a, std::size_t b) {
    const auto& first = at(image, a).bytes;
    const auto& second = at(image, b).bytes;
    return first != second ? first > second : a < b;
  });
  return others;
}

bool SimilarView::is_exact() const {
  return std::ranges::all_of(cells, &Cell::exact);
}

std::string short_size(ByteCount bytes) {
  constexpr std::array units{"", "K", "M", "G", "T", "P"};
  auto value = static_cast<double>(bytes.value());
  std::size_t unit = 0;
  // 999.5K would print as "1000K": go on to the next unit a little early.
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit > 0 && value < 9.95 ? fmt::format("{:.1f}{}", value, units[unit])
                                  : fmt::format("{:.0f}{}", value, units[unit]);
}

}  // namespace weft::tools
