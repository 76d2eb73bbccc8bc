// SPDX-License-Identifier: Apache-2.0
#include "tools/api/metrics_text.h"

#include <cmath>

#include <fmt/format.h>

namespace weft::tools {
namespace {

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  head_ = fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricsText::sample(Labels labels, double value, std::string_view suffix) {
  line(labels, number(value), suffix);
}

void MetricsText::sample(Labels labels, std::uint64_t value, std::string_view suffix) {
  line(labels, fmt::format("{}", value), suffix);
}

void MetricsText::line(Labels labels, std::string_view value, std::string_view suffix) {
  text_ += head_;
  head_.clear();
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [key, what] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", separator, key, escaped(what));
    separator = ',';
  }
  text_ += fmt::format("{} {}\n", labels.size() > 0 ? "}" : "", value);
}

}  // namespace weft::tools
