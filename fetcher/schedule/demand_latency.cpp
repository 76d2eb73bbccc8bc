// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/demand_latency.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {
namespace {

constexpr double first_bucket = 0.5;
constexpr std::uint32_t enough = 16;
constexpr std::uint32_t most = 256;
constexpr double unknown = 4;
constexpr Duration shortest = std::chrono::milliseconds(20);

}  // namespace

// Bucket n holds multiples up to 1/2 · √2ⁿ.
void DemandLatency::record(Duration took, Duration expected) {
  const double multiple = to_seconds(took) / std::max(to_seconds(expected), 1e-6);
  const double place =
      multiple <= first_bucket ? 0 : std::ceil(2 * std::log2(multiple / first_bucket));
  ++count_[static_cast<std::size_t>(std::min(place, buckets - 1.0))];
  if (++total_ < most) return;
  total_ = 0;
  for (std::uint32_t& count : count_)
    total_ += count /= 2;
}

Duration DemandLatency::patience(Duration expected) const {
  double multiple = unknown;
  if (total_ >= enough) {
    std::uint32_t seen = 0;
    std::size_t bucket = 0;
    while (bucket + 1 < buckets && (seen += count_[bucket]) * 20 < total_ * 19)
      ++bucket;
    multiple = std::clamp(first_bucket * std::exp2(static_cast<double>(bucket) / 2), 1.5, 16.0);
  }
  return std::max(shortest, from_seconds(multiple * to_seconds(expected)));
}

}  // namespace weft::fetcher
