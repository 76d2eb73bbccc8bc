// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weft::testing {

struct ParsedMetrics {
  std::map<std::string, double> samples;     ///< by name and labels, as they are written
  std::map<std::string, std::string> types;  ///< by family
  std::string trouble;  ///< the first breach of the format's rules; empty: there is none
};

/// Reads Prometheus' text format 0.0.4 strictly: every sample belongs to the family above it, no
/// family or series comes twice, counters end in `_total`, buckets of a histogram do not fall and
/// end with their count.
[[nodiscard]] ParsedMetrics parse_metrics(std::string_view text);

}  // namespace weft::testing
