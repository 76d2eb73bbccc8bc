// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/progress.h"

#include <algorithm>
#include <cmath>

namespace weft {
namespace {

constexpr double ten_years = 10 * 365.25 * 86400;

}  // namespace

Progress::Progress(ByteCount total, TimePoint start, Duration window)
    : total_(total), start_(start), last_(start), window_(window) {}

void Progress::update(ByteCount done, TimePoint now) {
  if (now <= last_) return;  // these bytes count with the next update that takes time
  const double step = to_seconds(now - last_);
  const double bytes = done > done_ ? static_cast<double>((done - done_).value()) : 0;
  const double age = to_seconds(now - start_);
  // While the job is younger than the window, the weight of the newest step is its share of the
  // whole: that makes the mean since the start.
  const double weight =
      now - start_ < window_ ? step / age : 1 - std::exp(-step / to_seconds(window_));
  rate_ += weight * (bytes / step - rate_);
  done_ = std::max(done_, done);
  last_ = now;
}

double Progress::fraction() const {
  if (total_.value() == 0) return 1;
  return std::min(1.0, static_cast<double>(done_.value()) / static_cast<double>(total_.value()));
}

std::optional<Duration> Progress::remaining() const {
  if (done_ >= total_) return Duration::zero();
  const double left = static_cast<double>((total_ - done_).value());
  if (left > rate_ * ten_years) return std::nullopt;
  return from_seconds(left / rate_);
}

}  // namespace weft
