// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/metrics_parser.h"

#include <cstdlib>
#include <regex>
#include <utility>

namespace weft::testing {
namespace {

class Parser {
 public:
  ParsedMetrics parse(std::string_view text) {
    if (!text.empty() && !text.ends_with('\n')) fail("the last line has no end");
    while (!text.empty() && out_.trouble.empty()) {
      const auto end = text.find('\n');
      line(std::string(text.substr(0, end)));
      text.remove_prefix(std::min(text.size(), end + 1));
    }
    return std::move(out_);
  }

 private:
  void fail(const std::string& why) {
    if (out_.trouble.empty()) out_.trouble = why;
  }

  void line(const std::string& text) {
    static const std::regex help("# HELP ([a-z][a-z0-9_]*) .+");
    static const std::regex type("# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)");
    std::smatch match;
    if (std::regex_match(text, match, help)) {
      helped_ = match[1];
      return;
    }
    if (std::regex_match(text, match, type)) {
      family_ = match[1];
      if (helped_ != family_) fail("no help: " + text);
      if (!out_.types.emplace(family_, match[2]).second) fail("family comes twice: " + text);
      if (match[2] == "counter" && !family_.ends_with("_total")) fail("counter's name: " + text);
      return;
    }
    sample(text);
  }

  void sample(const std::string& text) {
    static const std::regex form(
        R"re(([a-z][a-z0-9_]*)(\{([a-z]+="([^"\\\n]|\\["\\n])*"(,|(?=\})))+\})? ([-+.e0-9]+))re");
    std::smatch match;
    if (!std::regex_match(text, match, form)) return fail("not a sample: " + text);
    const std::string name = match[1];
    const std::string labels = match[2];
    const double value = std::strtod(match[6].str().c_str(), nullptr);
    if (!out_.samples.emplace(name + labels, value).second) return fail("comes twice: " + text);
    const bool histogram = out_.types[family_] == "histogram";
    if (!histogram && name != family_) return fail("of another family: " + text);
    if (histogram)
      part_of_histogram(name.substr(std::min(name.size(), family_.size())), text, labels, value);
    if (histogram && !name.starts_with(family_)) return fail("of another family: " + text);
  }

  void part_of_histogram(const std::string& part, const std::string& text,
                         const std::string& labels, double value) {
    if (part == "_bucket") {
      if (!labels.contains("le=\"")) return fail("no bound: " + text);
      if (value < bucket_) return fail("a bucket holds less than the one before: " + text);
      bucket_ = value;
      closed_ = labels.contains("le=\"+Inf\"");
    } else if (part == "_count") {
      if (!closed_ || value != bucket_) return fail("buckets and count differ: " + text);
      bucket_ = 0;
      closed_ = false;
    } else if (part != "_sum") {
      fail("not of a histogram: " + text);
    }
  }

  ParsedMetrics out_;
  std::string helped_;
  std::string family_;
  double bucket_ = 0;
  bool closed_ = false;
};

}  // namespace

ParsedMetrics parse_metrics(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace weft::testing
