// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/worker_link.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"

#include <optional>
#include <string>

namespace weft::tools {

/// Where a request for an upgrade meets the worker's main thread, which suspends the node.
/// Outlives the nodes of a process: a node that took over again tells why. Thread-safe.
class UpgradeDesk {
 public:
  enum class State { idle, preparing, due };

  /// `link` may be null: a node without a supervisor cannot be upgraded.
  explicit UpgradeDesk(fs::WorkerLink* link) : link_(link) {}

  /// Blocks until a worker of `binary` stands by; the hand-over is due then. Errc::queue_full: an
  /// upgrade is under way; unsupported: there is no supervisor; else why the binary cannot serve.
  [[nodiscard]] Result<fs::Candidate> prepare(const std::string& binary);
  [[nodiscard]] State state() const;
  /// The hand-over failed: this process serves again.
  void failed(const Error& why);
  /// Of the last upgrade that failed; empty: none, or one is under way.
  [[nodiscard]] std::string last_error() const;

 private:
  fs::WorkerLink* const link_;
  mutable Mutex mutex_;
  State state_ WEFT_GUARDED_BY(mutex_) = State::idle;
  std::string last_error_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::tools
