// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/plan_picture.h"

#include "indexer/core/clock.h"
#include "tools/cli/json_view.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr int narrowest = 40;
constexpr std::size_t widest_name = 24;
constexpr std::size_t shortest_bar = 8;
constexpr std::size_t most_segments = 100'000;
constexpr std::array<std::string_view, 4> shades{"█", "▓", "▒", "░"};

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// At most `width` characters; what is cut off is marked. Control characters of names are blanks.
std::string fit(std::string_view text, std::size_t width, bool utf8) {
  std::string clean(text);
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (width_of(clean) <= width) return clean;
  const std::string_view mark = utf8 ? "…" : "~";
  std::string cut;
  std::size_t characters = 0;
  for (const char c : clean) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80 && ++characters >= width) break;
    cut += c;
  }
  return cut + std::string(mark);
}

std::string padded(std::string text, std::size_t width, bool right) {
  const std::size_t present = width_of(text);
  const std::string blanks(width > present ? width - present : 0, ' ');
  return right ? blanks + text : text + blanks;
}

struct Stretch {
  double begin = 0;
  double end = 0;
  std::uint64_t tier = 0;
};

struct Row {
  std::string name;
  std::vector<Stretch> sends;
  std::array<std::string, 3> figures;  // bytes, finish, cost
  std::string why;
};

double finite(double value) {
  return std::isfinite(value) && value > 0 ? value : 0;
}

std::string time_text(double seconds) {
  return format_duration(from_seconds(seconds));
}

// A source sends tier after tier: its segments, cut where a tier is finished.
std::vector<Stretch> stretches_of(const json::object& source) {
  std::vector<Stretch> tiers;
  for (const auto& value : list_of(source, "tiers")) {
    if (!value.is_object()) continue;
    const json::object& tier = value.get_object();
    tiers.push_back({0, finite(number_of(tier, "finish")), count_of(tier, "tier")});
  }
  std::vector<Stretch> sends;
  std::size_t now = 0;
  for (const auto& value : list_of(source, "segments")) {
    if (!value.is_object() || sends.size() >= most_segments) continue;
    const json::object& segment = value.get_object();
    double begin = finite(number_of(segment, "begin"));
    const double end = finite(number_of(segment, "end"));
    while (begin < end) {
      while (now + 1 < tiers.size() && tiers[now].end <= begin)
        ++now;
      const bool last = now + 1 >= tiers.size();
      const double until = last ? end : std::min(end, tiers[now].end);
      sends.push_back({begin, until, tiers.empty() ? 1 : tiers[now].tier});
      begin = until;
    }
  }
  return sends;
}

Row row_of(const json::object& source) {
  Row row;
  row.name = text_of(source, "address");
  if (row.name.empty()) row.name = text_of(source, "name");
  row.why = text_of(source, "why");
  if (count_of(source, "bytes") == 0) return row;
  row.sends = stretches_of(source);
  row.figures = {format_size(bytes_at(source, "bytes")),
                 time_text(finite(number_of(source, "finish"))),
                 fmt::format("{:.4g}", number_of(source, "cost"))};
  return row;
}

class Picture {
 public:
  Picture(std::vector<Row> rows, int columns, bool utf8)
      : rows_(std::move(rows)),
        utf8_(utf8),
        columns_(static_cast<std::size_t>(std::max(columns, narrowest))) {
    for (const Row& row : rows_) {
      name_ = std::max(name_, std::min(width_of(row.name), widest_name));
      for (std::size_t i = 0; i < figures_.size(); ++i)
        figures_[i] = std::max(figures_[i], width_of(row.figures[i]));
      for (const Stretch& stretch : row.sends) {
        end_ = std::max(end_, stretch.end);
        tiers_.resize(
            std::max<std::size_t>(tiers_.size(), std::min<std::uint64_t>(stretch.tier, 99) + 1));
        tiers_[std::min<std::uint64_t>(stretch.tier, 99)] = true;
      }
    }
    make_room();
  }

  [[nodiscard]] std::string draw() const {
    if (end_ <= 0) return "";
    std::string text = scale();
    for (const Row& row : rows_)
      if (!row.sends.empty()) text += line(row);
    for (const Row& row : rows_)
      if (row.sends.empty())
        text += fit(padded(row.name, name_, false) + "  " + row.why, columns_, utf8_) + "\n";
    return text + legend();
  }

 private:
  // The bar gets what is left; where that is too little, money, time and bytes are left out.
  void make_room() {
    name_ = std::min(name_, columns_ / 3);
    shown_ = figures_.size();
    const auto used = [&] {
      std::size_t sum = name_ + 2;
      for (std::size_t i = 0; i < shown_; ++i)
        sum += figures_[i] + 2;
      return sum;
    };
    while (shown_ > 0 && used() + shortest_bar > columns_)
      --shown_;
    bar_ = columns_ - used();
  }
  [[nodiscard]] std::string glyph(std::uint64_t tier) const {
    if (utf8_) return std::string(shades[std::clamp<std::uint64_t>(tier, 1, shades.size()) - 1]);
    return tier < 10 ? std::to_string(tier) : "+";
  }
  [[nodiscard]] std::string scale() const {
    const std::string end = time_text(end_);
    return std::string(name_ + 2, ' ') + "0" +
           padded(end, std::max(bar_, std::size_t{1}) - 1, true) + "\n";
  }
  // Every cell shows the tier that is sent longest in it; one that idles is left blank.
  [[nodiscard]] std::string bar(const Row& row) const {
    std::string text;
    const double cell = end_ / static_cast<double>(bar_);
    std::size_t first = 0;
    for (std::size_t i = 0; i < bar_; ++i) {
      const double from = cell * static_cast<double>(i);
      const double to = from + cell;
      while (first < row.sends.size() && row.sends[first].end <= from)
        ++first;
      double longest = 0;
      std::uint64_t tier = 0;
      for (std::size_t s = first; s < row.sends.size() && row.sends[s].begin < to; ++s) {
        const double part = std::min(to, row.sends[s].end) - std::max(from, row.sends[s].begin);
        if (part > longest) longest = part, tier = row.sends[s].tier;
      }
      text += longest > cell / 100 ? glyph(tier) : " ";
    }
    return text;
  }
  [[nodiscard]] std::string line(const Row& row) const {
    std::string text = padded(fit(row.name, name_, utf8_), name_, false) + "  " + bar(row);
    for (std::size_t i = 0; i < shown_; ++i)
      text += "  " + padded(row.figures[i], figures_[i], true);
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
    if (!row.why.empty()) text += "  " + fit(row.why, columns_ - 2, utf8_) + "\n";
    return text;
  }
  [[nodiscard]] std::string legend() const {
    std::string text = "tier";
    for (std::uint64_t tier = 0; tier < tiers_.size(); ++tier) {
      if (!tiers_[tier]) continue;
      text += utf8_ ? fmt::format(" {} {}", tier, glyph(tier)) : fmt::format(" {}", tier);
    }
    return fit(text, columns_, utf8_) + "\n";
  }

  std::vector<Row> rows_;
  bool utf8_;
  std::size_t columns_;
  std::size_t name_ = 0;
  std::array<std::size_t, 3> figures_{};
  std::size_t shown_ = 0;
  std::size_t bar_ = 0;
  double end_ = 0;
  std::vector<bool> tiers_;
};

}  // namespace

std::string plan_picture(const json::object& plan, int columns, bool utf8) {
  std::vector<Row> rows;
  for (const auto& value : list_of(plan, "sources"))
    if (value.is_object()) rows.push_back(row_of(value.get_object()));
  return Picture(std::move(rows), columns, utf8).draw();
}

bool is_utf8_locale(std::string_view value) {
  std::string lower(value);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower.ends_with("utf-8") || lower.ends_with("utf8");
}

}  // namespace weft::tools
