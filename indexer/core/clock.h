// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

namespace weft {

/// Monotonic time. Pure cores take `now` as a parameter; adapters ask a `Clock`, so that tests and
/// simulations run on virtual time.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

[[nodiscard]] constexpr double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
/// The nearest duration from 0 to 10^9 seconds; 0 for what is not a number.
[[nodiscard]] constexpr Duration from_seconds(double seconds) {
  constexpr double longest = 1e9;
  const double within = seconds > 0 ? std::min(seconds, longest) : 0;
  return std::chrono::round<Duration>(std::chrono::duration<double>(within));
}

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
};

[[nodiscard]] const Clock& steady_clock() noexcept;

}  // namespace weft
