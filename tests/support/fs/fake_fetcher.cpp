// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/fake_fetcher.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::testing {

using fetcher::DemandRead;
using fetcher::FetchOutcome;
using fetcher::FetchTicket;

FakeFetcher::FakeFetcher(Bring bring, const Clock& clock)
    : bring_(std::move(bring)), clock_(clock), thread_([this] { run(); }) {}

FakeFetcher::~FakeFetcher() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

FetchTicket FakeFetcher::read(DemandRead request, Done done) {
  const Lock lock(mutex_);
  const FetchTicket ticket{next_ticket_++};
  held_.emplace(ticket, Held{.request = std::move(request),
                             .done = std::move(done),
                             .arrived = steady_clock().now()});
  ++reads_;
  changed_.notify_all();
  return ticket;
}

void FakeFetcher::cancel(FetchTicket ticket) {
  const Lock lock(mutex_);
  const auto at = held_.find(ticket);
  if (at == held_.end()) return;
  at->second.cancelled = true;
  ++cancelled_;
  changed_.notify_all();
}

void FakeFetcher::set(Mode mode, std::chrono::milliseconds delay) {
  const Lock lock(mutex_);
  mode_ = mode;
  delay_ = delay;
  changed_.notify_all();
}

void FakeFetcher::hold() {
  set(Mode::hold, {});
}

void FakeFetcher::deliver(std::chrono::milliseconds delay) {
  set(Mode::deliver, delay);
}

void FakeFetcher::deliver_loose(std::function<NodeBytes(BlockIndex)> block) {
  {
    const Lock lock(mutex_);
    loose_ = std::move(block);
  }
  set(Mode::deliver_loose, {});
}

void FakeFetcher::fail_with(Error error) {
  {
    const Lock lock(mutex_);
    error_ = std::move(error);
  }
  set(Mode::fail, {});
}

std::size_t FakeFetcher::reads() const {
  const Lock lock(mutex_);
  return reads_;
}

std::size_t FakeFetcher::waiting() const {
  const Lock lock(mutex_);
  return held_.size();
}

std::size_t FakeFetcher::cancelled() const {
  const Lock lock(mutex_);
  return cancelled_;
}

bool FakeFetcher::wait_for_waiting(std::size_t count) {
  const Lock lock(mutex_);
  const TimePoint end = steady_clock().now() + std::chrono::seconds(10);
  while (held_.size() < count) {
    if (!changed_.wait_until(mutex_, end)) return held_.size() >= count;
  }
  return true;
}

std::optional<Error> FakeFetcher::trouble(const Held& held) const {
  if (held.cancelled) return Error{make_error_code(Errc::cancelled), Operation::fetch, {}};
  if (mode_ == Mode::fail) return error_;
  if (mode_ == Mode::hold && !held.request.hold) {
    return Error{make_error_code(Errc::no_source), Operation::fetch, "no peer"};
  }
  if (clock_.now() >= held.request.deadline) {
    return Error{make_error_code(Errc::deadline_passed), Operation::fetch, "no peer tried"};
  }
  return std::nullopt;
}

std::optional<FakeFetcher::Ready> FakeFetcher::next(TimePoint now) {
  for (auto at = held_.begin(); at != held_.end(); ++at) {
    auto error = trouble(at->second);
    const bool due = mode_ != Mode::hold && now >= at->second.arrived + delay_;
    if (!error && !due) continue;
    return Ready{.held = std::move(held_.extract(at).mapped()), .error = std::move(error)};
  }
  return std::nullopt;
}

void FakeFetcher::run() {
  mutex_.lock();
  while (!stopping_) {
    if (auto ready = next(steady_clock().now())) {
      changed_.notify_all();
      mutex_.unlock();
      if (ready->error) {
        ready->held.done(std::unexpected(std::move(*ready->error)));
      } else {
        ready->held.done(outcome_of(ready->held.request));
      }
      mutex_.lock();
      continue;
    }
    (void)changed_.wait_until(mutex_, steady_clock().now() + std::chrono::milliseconds(10));
  }
  mutex_.unlock();
}

Result<FetchOutcome> FakeFetcher::outcome_of(const DemandRead& request) const {
  std::function<NodeBytes(BlockIndex)> loose;
  {
    const Lock lock(mutex_);
    if (mode_ == Mode::deliver_loose) loose = loose_;
  }
  FetchOutcome outcome{.loose = {}, .origin = origin_};
  BlockRange rest = request.range;
  while (const auto missing = request.image->next_missing(rest)) {
    if (!loose) {
      WEFT_CHECK(bring_(*request.image, *missing));
    } else {
      for (BlockIndex b = missing->first; b < missing->end(); ++b) {
        outcome.loose.push_back({b, std::make_shared<const NodeBytes>(loose(b))});
      }
    }
    rest = BlockRange::between(missing->end(), request.range.end());
  }
  return outcome;
}

FakeFetcher::Bring bring_from(std::span<const std::byte> content) {
  return [content](LocalImage& image, BlockRange range) -> Result<void> {
    std::vector<std::byte> bytes(range.count.value() * block_size);
    const std::size_t at = offset_of(range.first).value();
    std::memcpy(bytes.data(), content.data() + at, std::min(bytes.size(), content.size() - at));
    return image.commit(range, bytes);
  };
}

}  // namespace weft::testing
