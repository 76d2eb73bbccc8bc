// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/signal.h"
#include "indexer/core/mutex.h"
#include "tools/api/call.h"

#include <memory>
#include <optional>
#include <stop_token>

namespace weft::tools {

/// One request on its way through a handler thread, shared by that thread and the I/O thread. Of
/// progress only the latest is kept, so a slow client takes no memory.
class RunningCall : public std::enable_shared_from_this<RunningCall> {
 public:
  struct News {
    std::optional<boost::json::object> progress;
    std::optional<Reply> reply;  ///< the end: nothing comes after it
  };

  explicit RunningCall(fetcher::Executor io) : io_(std::move(io)) {}

  // Any thread.
  void request_stop() { stop_.request_stop(); }
  [[nodiscard]] std::stop_token stop_token() const { return stop_.get_token(); }
  void report(boost::json::object progress);
  void finish(Reply reply);

  // I/O thread.
  [[nodiscard]] News take();
  /// Notified when `take` may have something.
  [[nodiscard]] fetcher::Signal& changed() noexcept { return changed_; }

 private:
  void wake();

  const fetcher::Executor io_;
  std::stop_source stop_;
  fetcher::Signal changed_;
  Mutex mutex_;
  News news_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::tools
