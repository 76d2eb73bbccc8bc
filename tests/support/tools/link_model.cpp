// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_model.h"

#include <algorithm>
#include <utility>

namespace weft::testing {

LinkTime LinkModel::admit(LinkTime now, std::size_t bytes) {
  if (bits_per_second_ == 0) return now + delay_;
  constexpr double framed = 1514.0 / 1448.0;
  const double seconds =
      static_cast<double>(bytes) * framed * 8 / static_cast<double>(bits_per_second_);
  free_at_ = std::max(free_at_, now) +
             std::chrono::duration_cast<LinkDuration>(std::chrono::duration<double>(seconds));
  return free_at_ + delay_;
}

std::size_t LinkModel::window() const {
  constexpr std::size_t unshaped = std::size_t{64} << 20;
  constexpr std::size_t least = std::size_t{1} << 20;
  if (bits_per_second_ == 0) return unshaped;
  const auto held = std::chrono::duration<double>(delay_ + max_backlog).count() *
                    static_cast<double>(bits_per_second_) / 8;
  return std::max(least, 2 * static_cast<std::size_t>(held));
}

void DelayLine::push(std::vector<std::byte> data, LinkTime due) {
  bytes_ += data.size();
  chunks_.push_back({std::move(data), due});
}

void DelayLine::consume(std::size_t count) {
  bytes_ -= count;
  sent_ += count;
  if (sent_ < chunks_.front().data.size()) return;
  chunks_.pop_front();
  sent_ = 0;
}

}  // namespace weft::testing
