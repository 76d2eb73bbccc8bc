// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What every benchmark program prints: a table for people or, with `--json`, one line per figure
///   {"bench":"import","figure":"own_vs_sha256","value":0.95,"must":">= 0.9","ok":true}
/// and its exit status: 0 only if every figure is what it must be.
namespace weft::bench {

/// What a figure must reach. None: it is there to be read, such as a reference speed.
struct Bound {
  enum class Kind { none, at_least, at_most } kind = Kind::none;
  double limit = 0;

  [[nodiscard]] static Bound at_least(double limit) { return {Kind::at_least, limit}; }
  [[nodiscard]] static Bound at_most(double limit) { return {Kind::at_most, limit}; }

  [[nodiscard]] bool holds(double value) const {
    if (kind == Kind::none) return true;
    return kind == Kind::at_least ? value >= limit : value <= limit;
  }
};

/// Collects figures and prints them. Use: `add` each, then `return report.finish();`, or `return
/// report.run(…)` of what adds them and may throw.
class Report {
 public:
  Report(std::string bench, int argc, const char* const* argv) : bench_(std::move(bench)) {
    for (int i = 1; i < argc; ++i)
      json_ = json_ || std::string_view(argv[i]) == "--json";
  }

  /// `figure` is snake_case; `unit` is for people, such as "MB/s" or "x". Not a number never holds.
  void add(std::string figure, double value, std::string unit, Bound bound = {}) {
    const bool ok = std::isfinite(value) && bound.holds(value);
    all_ok_ = all_ok_ && ok;
    figures_.push_back({std::move(figure), value, std::move(unit), bound, ok});
  }
  /// The benchmark could not run: printed to stderr, and the exit status is 1.
  void failed(std::string_view why) {
    std::fprintf(stderr, "%s: %.*s\n", bench_.c_str(), static_cast<int>(why.size()), why.data());
    all_ok_ = false;
  }
  [[nodiscard]] bool json() const { return json_; }

  /// The exit status of a benchmark that is `measure()`.
  template <class Measure>
  [[nodiscard]] int run(Measure&& measure) {
    try {
      measure();
    } catch (const std::exception& trouble) {
      failed(trouble.what());
    }
    return finish();
  }
  [[nodiscard]] int finish() const {
    if (!json_) std::printf("%-32s %14s %-6s %-10s\n", bench_.c_str(), "value", "unit", "must");
    for (const Figure& figure : figures_)
      json_ ? print_json(figure) : print_row(figure);
    return all_ok_ && !figures_.empty() ? 0 : 1;
  }

 private:
  struct Figure {
    std::string name;
    double value;
    std::string unit;
    Bound bound;
    bool ok;
  };

  static std::string must(const Bound& bound) {
    if (bound.kind == Bound::Kind::none) return "";
    char text[48];
    std::snprintf(text, sizeof text, "%s %g",
                  bound.kind == Bound::Kind::at_least ? ">=" : "<=", bound.limit);
    return text;
  }
  void print_json(const Figure& f) const {
    const std::string bound = must(f.bound);
    const std::string quoted = bound.empty() ? "null" : "\"" + bound + "\"";
    const std::string value = std::isfinite(f.value) ? number(f.value) : "null";
    std::printf(R"({"bench":"%s","figure":"%s","value":%s,"unit":"%s","must":%s,"ok":%s})"
                "\n",
                bench_.c_str(), f.name.c_str(), value.c_str(), f.unit.c_str(), quoted.c_str(),
                f.ok ? "true" : "false");
  }
  static void print_row(const Figure& f) {
    std::printf("  %-30s %14s %-6s %-10s %s\n", f.name.c_str(), number(f.value).c_str(),
                f.unit.c_str(), must(f.bound).c_str(),
                f.bound.kind == Bound::Kind::none ? "" : (f.ok ? "ok" : "MISSED"));
  }
  static std::string number(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
  }

  std::string bench_;
  bool json_ = false;
  bool all_ok_ = true;
  std::vector<Figure> figures_;
};

}  // namespace weft::bench
