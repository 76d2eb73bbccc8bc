// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render_similar.h"

#include "tools/cli/json_view.h"
#include "tools/cli/similar_view.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using enum Table::Align;

constexpr std::size_t widest_label = 28;
constexpr std::size_t closest_shown = 3;

std::string shortened(const std::string& label) {
  return label.size() <= widest_label ? label : label.substr(0, widest_label - 1) + "…";
}

std::string size_cell(const SimilarView::Cell& cell) {
  if (cell.bytes.value() == 0) return "-";
  return (cell.exact ? "" : "~") + short_size(cell.bytes);
}

// Rounded down as everywhere: 100 means all.
std::string percent_cell(const SimilarView::Cell& cell) {
  if (cell.bytes.value() == 0) return "-";
  return fmt::format("{}{:.0f}", cell.exact ? "" : "~", std::floor(cell.percent));
}

std::string matrix(const SimilarView& view, auto&& cell_of) {
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < view.images.size(); ++i)
    titles.push_back(std::to_string(i + 1));
  std::vector<Table::Column> columns{{"", right}, {"IMAGE"}, {"DATA", right}};
  for (const auto& title : titles)
    columns.push_back({title, right});
  Table table(std::move(columns));
  for (std::size_t row = 0; row < view.images.size(); ++row) {
    std::vector<std::string> cells{titles[row], shortened(view.images[row].label),
                                   short_size(view.images[row].bytes)};
    for (std::size_t column = 0; column < view.images.size(); ++column) {
      cells.push_back(row == column ? "·" : cell_of(view.at(row, column)));
    }
    table.add(std::move(cells));
  }
  return table.text();
}

bool fits(const std::string& table, int columns) {
  return table.find('\n') <= static_cast<std::size_t>(std::max(columns, 0));
}

std::string closest(const SimilarView& view) {
  Table table({{"IMAGE"}, {"DATA", right}, {"SHARES MOST WITH"}});
  for (std::size_t i = 0; i < view.images.size(); ++i) {
    std::vector<std::string> others;
    for (const std::size_t other : view.closest(i)) {
      if (others.size() == closest_shown) break;
      const auto& cell = view.at(i, other);
      others.push_back(fmt::format("{} {} {}%", shortened(view.images[other].label),
                                   size_cell(cell), percent_cell(cell)));
    }
    table.add({shortened(view.images[i].label), short_size(view.images[i].bytes),
               others.empty() ? "-" : fmt::format("{}", fmt::join(others, ", "))});
  }
  return table.text();
}

std::string relatives(const SimilarView& view, std::size_t focus) {
  const auto others = view.closest(focus);
  const auto& image = view.images[focus];
  std::string text = fmt::format("{}: {} of data\n", image.label, format_size(image.bytes));
  if (others.empty()) return text + "shares nothing with any image that is known here\n";
  Table table({{"IMAGE"}, {"SHARED", right}, {"OF THIS", right}, {"OF THAT", right}});
  for (const std::size_t other : others) {
    const auto& cell = view.at(focus, other);
    const char* about = cell.exact ? "" : "~";
    table.add({view.images[other].label, about + format_size(cell.bytes),
               fmt::format("{}{:.1f}%", about, cell.percent),
               fmt::format("{}{:.1f}%", about, view.at(other, focus).percent)});
  }
  return text + "\n" + table.text();
}

std::string notes(const SimilarView& view) {
  std::string text;
  if (!view.is_exact()) text += "\n~ estimated from samples; --json shows the standard error\n";
  if (!view.left_out.empty()) {
    text += fmt::format("\nleft out: {}: {}\n", fmt::join(view.left_out, ", "), view.why_left_out);
  }
  return text;
}

}  // namespace

std::string render_similar(const json::object& answer, int columns) {
  const SimilarView view(answer);
  if (view.images.empty()) {
    return "no images to compare: `weft import FILE` makes one\n" + notes(view);
  }
  if (view.focus) return relatives(view, *view.focus) + notes(view);
  if (view.images.size() == 1) {
    return fmt::format("{}: {} of data; there is no other image to compare it with\n",
                       view.images[0].label, format_size(view.images[0].bytes)) +
           notes(view);
  }
  const std::string percents = matrix(view, percent_cell);
  if (!fits(percents, columns)) {
    return closest(view) +
           "\nname some images for a whole table of them, or draw all: --svg FILE\n" + notes(view);
  }
  std::string text = "Percent of the image on the left that the one above has\n\n" + percents;
  const std::string sizes = matrix(view, size_cell);
  if (fits(sizes, columns)) text += "\nShared data\n\n" + sizes;
  return text + notes(view);
}

}  // namespace weft::tools
