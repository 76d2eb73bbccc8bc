// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/hand_over.h"
#include "fs/supervisor/mount_registry.h"
#include "fs/supervisor/worker.h"
#include "indexer/core/clock.h"
#include "indexer/core/unique_fd.h"

#include <csignal>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <poll.h>

namespace weft::fs {

/// Carries out what `HandOver` decides, for the supervisor: starts the candidate, answers calls,
/// kills, promotes. Also sees to the end of an old worker that was replaced. One thread; never
/// waits.
class Upgrade {
 public:
  /// What it changes of the supervisor; all of it outlives this object.
  struct Host {
    std::optional<Worker>& worker;  ///< the one that serves
    MountRegistry& mounts;
    std::string& executable;  ///< what later workers are started from
    const std::vector<std::string>& arguments;
    const sigset_t& mask;  ///< signal mask of workers
  };
  /// What the supervisor has to do.
  enum class Need : std::uint8_t {
    nothing,
    restart  ///< no worker is left: start one, of the same binary as before
  };
  static constexpr std::size_t poll_slots = 4;

  Upgrade(Host host, HandOver::Limits limits) : host_(host), hand_over_(limits) {}

  /// Takes what the worker has called; after each of its events.
  void on_worker_event();
  /// True: the upgrade sees to what follows. The worker is not in `Host::worker` any more.
  [[nodiscard]] bool on_worker_end();
  void stop();

  void fill(std::span<pollfd, poll_slots> slots) const;
  [[nodiscard]] Need dispatch(std::span<const pollfd, poll_slots> slots);
  [[nodiscard]] std::optional<TimePoint> next_time() const;
  [[nodiscard]] Need on_time();
  /// A candidate or a replaced worker lives.
  [[nodiscard]] bool busy() const { return candidate_ || retiring_; }

 private:
  void perform(HandOver::Act act);
  void start_candidate();
  [[nodiscard]] Result<Worker> start(const std::string& path);
  void on_candidate_event();
  void on_candidate_call(const supervision::Packet& call);
  void on_candidate_end();
  void answer_old(std::optional<std::uint64_t>& request, supervision::Message reply);
  void let_serve();
  void promote();

  Host host_;
  HandOver hand_over_;
  std::optional<Worker> candidate_;
  std::string build_;  ///< of the candidate
  UniqueFd binary_;    ///< of the candidate: what was checked is what is started again later
  UniqueFd serving_;   ///< the same of the worker that was promoted last
  std::string wanted_;
  std::optional<std::uint64_t> upgrade_request_;    ///< of the old worker
  std::optional<std::uint64_t> hand_over_request_;  ///< of the old worker
  std::optional<std::uint64_t> stand_by_request_;   ///< of the candidate
  std::optional<Worker> retiring_;
  std::optional<TimePoint> retire_by_;
  Need need_ = Need::nothing;
};

}  // namespace weft::fs
