// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_monitor.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/signal.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "indexer/store/store.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace weft::fetcher {

/// Keeps what is measured of links in the catalog: written when a session has ended, but not sooner
/// than `least_pause` after the last time, and otherwise every `write_every`; each time all rows in
/// one transaction, on a worker.
///
/// Rationale: a write is a sync of the disk, and of what is lost with the power only the last
/// minute has to be measured again.
///
/// Lifecycle: construct, `load` (any thread, before the rest), `start`; `stop` is awaited after the
/// fetcher and the server have stopped, and writes what there is. I/O thread only; the arguments
/// outlive it.
class LinkKeeper {
 public:
  struct Options {
    Duration write_every = std::chrono::minutes(1);
    Duration least_pause = std::chrono::seconds(10);
    std::function<std::int64_t()> unix_time;  ///< seconds since 1970; any thread
  };

  LinkKeeper(Executor io, Timers& timers, Offload& workers, Store& store, Options options);

  /// Rows that make no sense are ignored.
  void load(std::span<const LinkRow> rows);
  void start();
  [[nodiscard]] LinkMonitor& monitor() { return monitor_; }
  [[nodiscard]] Awaitable<void> stop();

 private:
  Awaitable<void> write_now_and_then();
  Awaitable<void> write();

  Timers& timers_;
  Offload& workers_;
  Store& store_;
  const Options options_;
  TaskGroup tasks_;
  LinkMonitor monitor_;
  bool ended_ = false;  // a session, since the last write
  bool stopping_ = false;
  bool failing_ = false;
  Signal changed_;
};

/// The row of a record, and back; nullopt for a row that makes no sense.
[[nodiscard]] LinkRow to_row(const LinkRecord& record, std::int64_t unix_time);
[[nodiscard]] std::optional<LinkRecord> from_row(const LinkRow& row);

}  // namespace weft::fetcher
