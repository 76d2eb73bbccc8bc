// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/byte_budget.h"

#include <algorithm>
#include <chrono>

namespace weft::fetcher {
namespace {

constexpr double rounding_error = 1e-3;  // of the sums, in bytes

using Seconds = std::chrono::duration<double>;

double amount(ByteCount bytes) {
  return static_cast<double>(bytes.value());
}

/// Rounded up, so that what is waited for is there.
Duration in_clock_units(double seconds) {
  return std::chrono::ceil<Duration>(Seconds(seconds));
}

}  // namespace

ByteBudget::ByteBudget(ByteCount per_minute, ByteCount burst, TimePoint now)
    : per_second_(amount(per_minute) / 60),
      burst_(per_minute.value() == 0 ? 0 : std::max(1.0, amount(burst))),
      balance_(burst_),
      at_(now) {}

double ByteBudget::balance(TimePoint now) const {
  const double passed = Seconds(std::max(Duration(0), now - at_)).count();
  return std::min(burst_, balance_ + passed * per_second_);
}

bool ByteBudget::take(ByteCount bytes, TimePoint now) {
  if (ready_at(bytes, now) > now) return false;
  spend(bytes, now);
  return true;
}

TimePoint ByteBudget::ready_at(ByteCount bytes, TimePoint now) const {
  if (per_second_ == 0) return TimePoint::max();
  const double lacking = std::min(burst_, amount(bytes)) - balance(now);
  return lacking <= rounding_error ? now : now + in_clock_units(lacking / per_second_);
}

void ByteBudget::spend(ByteCount bytes, TimePoint now) {
  balance_ = balance(now) - amount(bytes);
  at_ = std::max(at_, now);
}

void ByteBudget::refund(ByteCount bytes, TimePoint now) {
  balance_ = std::min(burst_, balance(now) + amount(bytes));
  at_ = std::max(at_, now);
}

Duration ByteBudget::time_for(ByteCount bytes) const {
  return per_second_ == 0 ? Duration::max() : in_clock_units(amount(bytes) / per_second_);
}

}  // namespace weft::fetcher
