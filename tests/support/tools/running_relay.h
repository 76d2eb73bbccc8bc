// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/mutex.h"
#include "indexer/core/unique_fd.h"
#include "tests/support/tools/relay.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace weft::testing {

/// A Relay on a thread of its own; the destructor ends it. Thread-safe.
class RunningRelay {
 public:
  /// Throws std::runtime_error if it cannot listen.
  explicit RunningRelay(const RelayOptions& options);
  ~RunningRelay();
  RunningRelay(const RunningRelay&) = delete;
  RunningRelay& operator=(const RunningRelay&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// As Relay::command; has taken effect on return. Throws std::invalid_argument if unknown.
  void command(std::string_view word);
  [[nodiscard]] RelayCounts counts();

 private:
  void run(const std::stop_token& stop);
  /// Lets the thread take `word` (empty: only the counts) and waits until it has.
  RelayCounts ask(std::string_view word);
  void wake() const;

  Relay relay_;  // the thread's alone
  const std::uint16_t port_;
  UniqueFd wake_;
  Mutex mutex_;
  Condition answered_;
  std::optional<std::string> question_ WEFT_GUARDED_BY(mutex_);
  bool known_ WEFT_GUARDED_BY(mutex_) = true;
  RelayCounts counts_ WEFT_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace weft::testing
