// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weft::tools {

/// Writes Prometheus' text format, version 0.0.4: families one after the other, each sample on a
/// line. Pure. Names and help must be in order (letters, digits and underscores; no line ends);
/// label values may be anything.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a family. `type`: "counter", "gauge" or "histogram". Without samples it is left out.
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// Of the family begun last; `suffix`: "", or "_bucket", "_sum", "_count" of a histogram.
  void sample(Labels labels, double value, std::string_view suffix = "");
  void sample(Labels labels, std::uint64_t value, std::string_view suffix = "");

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void line(Labels labels, std::string_view value, std::string_view suffix);

  std::string text_;
  std::string name_;
  std::string head_;  ///< of the family, until its first sample
};

}  // namespace weft::tools
