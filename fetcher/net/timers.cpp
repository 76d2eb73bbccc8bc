// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/timers.h"

namespace weft::fetcher {

TimerId TimerQueue::add(TimePoint when, Timers::Callback callback) {
  const TimerId id{++last_id_};
  by_time_.emplace(Key{when, id}, std::move(callback));
  by_id_.emplace(id, when);
  return id;
}

void TimerQueue::cancel(TimerId id) noexcept {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  const auto entry = by_time_.find(Key{known->second, id});
  by_id_.erase(known);
  // The callback may own what cancels other timers: it goes last, when the maps are consistent.
  const Timers::Callback dropped = std::move(entry->second);
  by_time_.erase(entry);
}

Timers::Callback TimerQueue::pop_due(TimePoint now) {
  if (by_time_.empty() || next() > now) return {};
  const auto first = by_time_.begin();
  Timers::Callback callback = std::move(first->second);
  by_id_.erase(first->first.second);
  by_time_.erase(first);
  return callback;
}

Deadline::Deadline(Timers& timers, TimePoint when, Timers::Callback on_passed)
    : timers_(timers), id_(timers.call_at(when, std::move(on_passed))) {}

Deadline::~Deadline() {
  timers_.cancel(id_);
}

}  // namespace weft::fetcher
