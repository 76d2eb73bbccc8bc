// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render_similar.h"
#include "tools/cli/similar_view.h"
#include "tools/config/quantity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr std::size_t most_with_text = 40;
constexpr std::size_t widest_label = 40;
constexpr double character = 7.2;  // of the labels' font at 13 px, on average

struct Color {
  int red, green, blue;
};

// One hue from near white to dark: more is darker, also in grey and for who sees no colours.
constexpr std::array<Color, 6> scale{{{247, 251, 255},
                                      {214, 230, 244},
                                      {165, 205, 227},
                                      {91, 163, 207},
                                      {33, 113, 181},
                                      {8, 48, 107}}};

std::string color_of(double percent) {
  const double position = std::clamp(percent, 0.0, 100.0) / 100 * (scale.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(position), scale.size() - 2);
  const double part = position - static_cast<double>(low);
  const auto mix = [&](int Color::* channel) {
    return static_cast<int>(
        std::lround(scale[low].*channel * (1 - part) + scale[low + 1].*channel * part));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(&Color::red), mix(&Color::green),
                     mix(&Color::blue));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string shortened(const std::string& label) {
  return label.size() <= widest_label ? label : label.substr(0, widest_label - 3) + "...";
}

// Where everything is, in pixels.
struct Layout {
  std::size_t images;
  bool with_text;
  double cell_width, cell_height;
  double left, top;  // of the first cell

  explicit Layout(const SimilarView& view) : images(view.images.size()) {
    std::size_t longest = 8;
    for (const auto& image : view.images)
      longest = std::max(longest, std::min(image.label.size(), widest_label));
    with_text = images <= most_with_text;
    cell_width = with_text ? 60 : 14;
    cell_height = with_text ? 40 : 14;
    const double labels = static_cast<double>(longest) * character;
    left = 16 + std::max(labels, 110.0) + 8;
    top = 84 + labels * 0.71 + 10;  // column labels rise at 45 degrees
  }
  [[nodiscard]] double x(std::size_t column) const {
    return left + static_cast<double>(column) * cell_width;
  }
  [[nodiscard]] double y(std::size_t row) const {
    return top + static_cast<double>(row) * cell_height;
  }
  [[nodiscard]] double width() const { return std::max(x(images) + (top - 84) + 16, 560.0); }
  [[nodiscard]] double height() const { return y(images) + 76; }
};

std::string labels(const SimilarView& view, const Layout& at) {
  std::string svg;
  for (std::size_t i = 0; i < at.images; ++i) {
    const auto label = escaped(shortened(view.images[i].label));
    const double middle = at.y(i) + at.cell_height / 2;
    svg += fmt::format(R"(<text x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)"
                       "\n",
                       at.left - 8, middle + (at.with_text ? -1 : 4), label);
    if (at.with_text) {
      svg += fmt::format(R"(<text class="s" x="{:.0f}" y="{:.1f}" text-anchor="end">{}</text>)"
                         "\n",
                         at.left - 8, middle + 13, format_size(view.images[i].bytes));
    }
    const double x = at.x(i) + at.cell_width / 2;
    svg += fmt::format(R"svg(<text transform="translate({:.1f} {:.1f}) rotate(-45)">{}</text>)svg"
                       "\n",
                       x, at.top - 8, label);
  }
  return svg;
}

std::string cell(const SimilarView& view, const Layout& at, std::size_t row, std::size_t column) {
  const auto& shared = view.at(row, column);
  const char* about = shared.exact ? "" : "~";
  const auto& of = view.images[row].label;
  const auto& with = view.images[column].label;
  const auto title = row == column
                         ? fmt::format("{}: {} of data", of, format_size(shared.bytes))
                         : fmt::format("{} has {}{:.1f}% of {}: {}{}", with, about, shared.percent,
                                       of, about, format_size(shared.bytes));
  std::string svg = fmt::format(
      R"(<g><title>{}</title><rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" fill="{}"/>)",
      escaped(title), at.x(column), at.y(row), at.cell_width, at.cell_height,
      color_of(shared.percent));
  if (at.with_text) {
    const double x = at.x(column) + at.cell_width / 2;
    const double y = at.y(row) + at.cell_height / 2;
    const char* dark = shared.percent >= 55 ? " w" : "";
    svg += fmt::format(R"(<text class="c{}" x="{:.0f}" y="{:.0f}">{}{:.0f}%</text>)", dark, x,
                       y - 1, about, std::floor(shared.percent));
    svg += fmt::format(R"(<text class="c s{}" x="{:.0f}" y="{:.0f}">{}{}</text>)", dark, x, y + 14,
                       about, short_size(shared.bytes));
  }
  return svg + "</g>\n";
}

std::string legend(const Layout& at) {
  constexpr double width = 240;
  const double y = at.y(at.images) + 28;
  std::string svg = R"(<defs><linearGradient id="scale">)";
  for (std::size_t i = 0; i < scale.size(); ++i) {
    const double percent = 100.0 * static_cast<double>(i) / (scale.size() - 1);
    svg += fmt::format(R"(<stop offset="{:.0f}%" stop-color="{}"/>)", percent, color_of(percent));
  }
  svg += "</linearGradient></defs>\n";
  svg += fmt::format(
      R"svg(<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="12" fill="url(#scale)" stroke="#999"/>)svg"
      "\n",
      at.left, y, width);
  for (const int percent : {0, 25, 50, 75, 100}) {
    svg += fmt::format(R"(<text class="c s" x="{:.0f}" y="{:.0f}">{}%</text>)"
                       "\n",
                       at.left + width * percent / 100, y + 27, percent);
  }
  return svg;
}

}  // namespace

std::string heat_map_svg(const boost::json::object& answer) {
  const SimilarView view(answer);
  const Layout at(view);
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" role="img">)"
      "\n",
      at.width(), at.height());
  svg +=
      "<style>text{font:13px system-ui,sans-serif;fill:#222}.s{font-size:11px}"
      ".c{text-anchor:middle}.w{fill:#fff}.t{font-size:17px;font-weight:600}"
      "rect{stroke:#fff;stroke-width:1}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<text class=\"t\" x=\"16\" y=\"30\">What images share</text>\n"
      "<text class=\"s\" x=\"16\" y=\"50\">Percent of the image on the left that the one above "
      "has, and how much data that is</text>\n";
  if (!view.is_exact()) {
    svg += "<text class=\"s\" x=\"16\" y=\"66\">~ estimated from samples</text>\n";
  }
  svg += labels(view, at);
  for (std::size_t row = 0; row < at.images; ++row) {
    for (std::size_t column = 0; column < at.images; ++column)
      svg += cell(view, at, row, column);
  }
  return svg + legend(at) + "</svg>\n";
}

}  // namespace weft::tools
