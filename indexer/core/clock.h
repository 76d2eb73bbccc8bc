// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace weft {

/// Monotonic time. Pure cores take `now` as a parameter; adapters ask a `Clock`, so that tests and
/// simulations run on virtual time.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
};

[[nodiscard]] const Clock& steady_clock() noexcept;

}  // namespace weft
