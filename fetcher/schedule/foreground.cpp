// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/foreground.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {
namespace {

constexpr std::size_t enough = 16;
constexpr double growth = 1.25;
/// Where nothing was measured without prefetch: what a peer takes to read and pack.
constexpr double usual_beyond = 0.005;
/// A link that nobody reads over: its share doubles so often.
constexpr Duration regrows_in = std::chrono::seconds(1);

}  // namespace

void Foreground::Sample::add(double seconds) {
  values_[next_] = seconds;
  next_ = (next_ + 1) % values_.size();
  size_ = std::min(size_ + 1, values_.size());
}

double Foreground::Sample::percentile_95() const {
  std::array<double, 32> sorted = values_;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>((size_ * 95 + 99) / 100 - 1);
  std::nth_element(sorted.begin(), at, end);
  return *at;
}

void Foreground::answered(Duration beyond, bool beside_prefetch, Duration batch, TimePoint now) {
  (beside_prefetch ? beside_ : alone_).add(to_seconds(beyond));
  if (!beside_prefetch || beside_.size() < enough) return;
  const double usual = alone_.size() < enough ? usual_beyond : alone_.percentile_95();
  const double harm = beside_.percentile_95() - usual;
  const double bearable = to_seconds(batch);
  if (harm > bearable) {
    share_ = std::max(least_share, share(now) / 2);
  } else if (harm < bearable / 2) {
    share_ = std::min(1.0, share(now) * growth);
  } else {
    share_ = share(now);
  }
  judged_at_ = now;
  beside_.clear();
}

double Foreground::share(TimePoint now) const {
  if (active(now) || !last_demand_) return share_;
  const Duration quiet = now - std::max(*last_demand_ + active_for, judged_at_);
  return std::min(1.0, share_ * std::exp2(to_seconds(quiet) / to_seconds(regrows_in)));
}

}  // namespace weft::fetcher
