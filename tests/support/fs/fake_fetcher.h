// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "indexer/core/mutex.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <vector>

namespace weft::testing {

/// A BlockFetcher on command: holds, delivers after a delay, or fails. Delivering commits blocks
/// to the image, as the real one does. Deadlines, `hold` and `cancel` are kept as the contract
/// says; outcomes come from one thread of its own. Thread-safe.
class FakeFetcher final : public fetcher::BlockFetcher {
 public:
  /// Brings one run of missing blocks of an image. Tests for the real store use it to bring the
  /// tree first; the default is for images that commit bytes of `content`.
  using Bring = std::function<Result<void>(LocalImage&, BlockRange)>;

  /// `clock` is the one deadlines are measured by; delays are real time.
  explicit FakeFetcher(Bring bring, const Clock& clock = steady_clock());
  ~FakeFetcher() override;

  fetcher::FetchTicket read(fetcher::DemandRead request, Done done) override;
  void cancel(fetcher::FetchTicket ticket) override;

  /// What happens to reads that wait, and to those that come.
  void hold();
  void deliver(std::chrono::milliseconds delay = {});
  /// Hands the blocks over in memory instead of committing them, as with a full disk.
  void deliver_loose(std::function<NodeBytes(BlockIndex)> block);
  void fail_with(Error error);
  /// How far what is delivered from now on has come.
  void come_from(fetcher::BlockOrigin origin) { origin_ = origin; }

  [[nodiscard]] std::size_t reads() const;    ///< handed over so far
  [[nodiscard]] std::size_t waiting() const;  ///< neither answered nor cancelled
  [[nodiscard]] std::size_t cancelled() const;
  /// Waits until `count` reads wait at once; false after 10 s.
  [[nodiscard]] bool wait_for_waiting(std::size_t count);

 private:
  struct Held {
    fetcher::DemandRead request;
    Done done;
    TimePoint arrived;
    bool cancelled = false;
  };
  enum class Mode { hold, deliver, deliver_loose, fail };
  struct Ready {
    Held held;
    std::optional<Error> error;  ///< nullopt: bring the blocks
  };

  void run();
  [[nodiscard]] std::optional<Error> trouble(const Held& held) const WEFT_REQUIRES(mutex_);
  [[nodiscard]] std::optional<Ready> next(TimePoint now) WEFT_REQUIRES(mutex_);
  [[nodiscard]] Result<fetcher::FetchOutcome> outcome_of(const fetcher::DemandRead& request) const;
  void set(Mode mode, std::chrono::milliseconds delay);

  const Bring bring_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Condition changed_;
  std::map<fetcher::FetchTicket, Held> held_ WEFT_GUARDED_BY(mutex_);
  std::uint64_t next_ticket_ WEFT_GUARDED_BY(mutex_) = 1;
  std::size_t reads_ WEFT_GUARDED_BY(mutex_) = 0;
  std::size_t cancelled_ WEFT_GUARDED_BY(mutex_) = 0;
  Mode mode_ WEFT_GUARDED_BY(mutex_) = Mode::hold;
  std::chrono::milliseconds delay_ WEFT_GUARDED_BY(mutex_){0};
  std::optional<Error> error_ WEFT_GUARDED_BY(mutex_);
  std::function<NodeBytes(BlockIndex)> loose_ WEFT_GUARDED_BY(mutex_);
  std::atomic<fetcher::BlockOrigin> origin_{fetcher::BlockOrigin::local};
  bool stopping_ WEFT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

/// Brings blocks of images whose content is given: looked up by image id.
[[nodiscard]] FakeFetcher::Bring bring_from(std::span<const std::byte> content);

}  // namespace weft::testing
