// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/config/quantity.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools {

namespace json = boost::json;

namespace {

/// Nothing where nothing costs anything.
std::string money(const json::object& progress) {
  const auto known = [&](std::string_view member) {
    const auto* value = progress.if_contains(member);
    return value != nullptr && value->is_number();
  };
  const double spent = number_of(progress, "spent");
  const double expected = number_of(progress, "expected_cost");
  if (spent <= 0 && expected <= 0 && !known("budget")) return "";
  auto text = fmt::format("  spent {:.4g}", spent);
  if (known("budget")) text += fmt::format(" of {:.4g}", number_of(progress, "budget"));
  if (expected > spent) text += fmt::format(", {:.4g} in the end", expected);
  return text;
}

}  // namespace

std::string render_progress(const json::object& progress) {
  auto text = fmt::format("{:.1f}%  {} of {}", number_of(progress, "percent"),
                          format_size(bytes_at(progress, "done")),
                          format_size(bytes_at(progress, "total")));
  const double rate = number_of(progress, "rate");
  if (rate > 0) text += fmt::format("  {}", format_rate(rate));
  const double limit = number_of(progress, "limit");
  if (limit > 0) text += fmt::format(" (at most {})", format_rate(limit));
  const auto eta = duration_of(progress, "eta");
  if (eta) text += fmt::format("  {} left", format_duration(*eta));
  text += money(progress);
  const auto note = text_of(progress, "note");
  if (!note.empty()) text += fmt::format("  ({})", note);
  return text;
}

std::string render_bar(const json::object& progress, int columns) {
  constexpr int smallest = 10;
  auto text = render_progress(progress);
  const int room = columns - 1;  // the last column would wrap the line on some terminals
  const int bar = std::min(40, room - static_cast<int>(text.size()) - 4);
  if (bar >= smallest) {
    const double share = std::clamp(number_of(progress, "percent") / 100, 0.0, 1.0);
    const auto filled = static_cast<std::size_t>(share * bar);
    const auto width = static_cast<std::size_t>(bar);
    text =
        fmt::format("[{}{}]  {}", std::string(filled, '#'), std::string(width - filled, '.'), text);
  }
  if (text.size() > static_cast<std::size_t>(std::max(room, 0))) {
    text.resize(static_cast<std::size_t>(std::max(room, 0)));
  }
  return text;
}

}  // namespace weft::tools
