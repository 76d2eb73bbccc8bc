// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/link_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace weft::fetcher {
namespace {

LinkRow::Rate to_row(const Estimate& rate) {
  return {.mean = rate.mean, .deviation = rate.deviation, .samples = rate.samples};
}

Estimate from_row(const LinkRow::Rate& rate) {
  return {.mean = rate.mean, .deviation = rate.deviation, .samples = rate.samples};
}

bool sensible(double value) {
  return value >= 0 && value < 1e15;
}

bool sensible(const LinkRow::Rate& rate) {
  return sensible(rate.mean) && sensible(rate.deviation) && sensible(rate.samples) &&
         (rate.samples == 0 || rate.mean > 0);
}

}  // namespace

LinkRow to_row(const LinkRecord& record, std::int64_t unix_time) {
  LinkRow row{.node = record.node,
              .address = record.address,
              .measured = unix_time,
              .in = to_row(record.rate_in),
              .out = to_row(record.rate_out),
              .round_trip = {},
              .up = record.service.up,
              .lost = record.service.lost,
              .events = record.service.events};
  if (record.round_trip) row.round_trip = to_seconds(*record.round_trip);
  return row;
}

std::optional<LinkRecord> from_row(const LinkRow& row) {
  const double round_trip = row.round_trip.value_or(0);
  if (!sensible(row.in) || !sensible(row.out) || !sensible(row.up) || !sensible(row.lost) ||
      !sensible(row.events) || !(round_trip >= 0 && round_trip < 3600)) {
    return std::nullopt;
  }
  LinkRecord record{.node = row.node,
                    .address = row.address,
                    .rate_in = from_row(row.in),
                    .rate_out = from_row(row.out),
                    .round_trip = {},
                    .service = {.up = row.up, .lost = row.lost, .events = row.events}};
  if (row.round_trip) record.round_trip = from_seconds(round_trip);
  return record;
}

LinkKeeper::LinkKeeper(Executor io, Timers& timers, Offload& workers, Store& store, Options options)
    : timers_(timers),
      workers_(workers),
      store_(store),
      options_(std::move(options)),
      tasks_(std::move(io)) {}

void LinkKeeper::load(std::span<const LinkRow> rows) {
  const std::int64_t now = options_.unix_time();
  for (const LinkRow& row : rows) {
    auto record = from_row(row);
    if (!record) continue;
    // A clock that was put back makes them as good as new, not better.
    const std::int64_t age = std::clamp<std::int64_t>(now - row.measured, 0, 3600L * 24 * 3650);
    monitor_.load(*std::move(record), std::chrono::seconds(age), timers_.now());
  }
}

void LinkKeeper::start() {
  monitor_.on_lost([this] {
    ended_ = true;
    changed_.notify_all();
  });
  tasks_.spawn("keep links", write_now_and_then());
}

Awaitable<void> LinkKeeper::write_now_and_then() {
  while (!stopping_) {
    const TimePoint written = timers_.now();
    bool waited = false;
    while (!waited && !stopping_) {
      const Duration pause = ended_ ? options_.least_pause : options_.write_every;
      const bool woken = co_await changed_.wait_until(timers_, written + pause);
      waited = !woken || timers_.now() >= written + pause;
    }
    if (!stopping_) co_await write();
  }
}

Awaitable<void> LinkKeeper::write() {
  ended_ = false;
  std::vector<LinkRow> rows;
  const std::int64_t now = options_.unix_time();
  for (const LinkRecord& record : monitor_.records(timers_.now()))
    rows.push_back(to_row(record, now));
  auto put = [&store = store_, rows = std::move(rows)] { return store.put_links(rows); };
  const auto written = co_await run_on_worker(workers_, std::move(put));
  if (!written && !std::exchange(failing_, true)) {
    spdlog::warn("what is measured of links is not kept: {}", written.error().message());
  }
  if (written) failing_ = false;
}

Awaitable<void> LinkKeeper::stop() {
  stopping_ = true;
  changed_.notify_all();
  co_await tasks_.stop();
  co_await write();
}

}  // namespace weft::fetcher
