// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace weft::fs {

/// An upgrade: a *candidate*, a worker of another binary, takes over from the worker that serves,
/// the *old* one, which stays able to go on until the candidate serves. Pure: told what happens, it
/// says what to do.
///
///     idle ─ upgrade called ─► checking ─ candidate stands by ─► standing_by ─ old hands over ─►
///     taking_over ─ candidate is ready ─► idle, with the candidate as the worker
///
/// Whenever the candidate ends before it is ready, whether by itself or killed for a missed
/// deadline, the old worker goes on, or, if that has ended too, a successor of it starts. A
/// candidate that was checked takes over from an old worker that dies. The candidate is gone
/// before the old one goes on: never do two hold the state directory.
class HandOver {
 public:
  struct Limits {
    Duration check = std::chrono::seconds(10);      ///< for the candidate to stand by
    Duration suspend = std::chrono::seconds(30);    ///< for the old one to hand over, else killed
    Duration take_over = std::chrono::seconds(60);  ///< for the candidate to be ready
    Duration kill = std::chrono::seconds(5);        ///< for a killed candidate to be gone
  };
  enum class State : std::uint8_t { idle, checking, standing_by, taking_over };
  enum class Act : std::uint8_t {
    nothing,
    start_candidate,
    announce,        ///< answer the upgrade call: the candidate stands by
    kill_candidate,  ///< its end follows
    refuse,          ///< the candidate is gone: answer the upgrade call with `why`
    let_serve,       ///< the candidate
    kill_old,        ///< its end follows
    give_back,       ///< the candidate is gone: answer the hand-over call with `why`
    replace_both,    ///< candidate and old one are gone: start a successor of the old one
    promote,         ///< the candidate is the worker: let the old one end, if it has not
    call_busy        ///< answer this call: an upgrade is under way
  };

  explicit HandOver(Limits limits) : limits_(limits) {}

  [[nodiscard]] Act upgrade_called(TimePoint now);
  [[nodiscard]] Act stands_by(TimePoint now);
  /// The candidate says that it cannot serve.
  [[nodiscard]] Act refused(Error why, TimePoint now);
  /// The candidate has ended, or could not be started.
  [[nodiscard]] Act candidate_ended(Error why);
  [[nodiscard]] Act candidate_ready();
  /// The old worker has suspended and asks whether the candidate serves.
  [[nodiscard]] Act handed_over(TimePoint now);
  /// `nothing` in state idle: what follows is not a matter of the upgrade.
  [[nodiscard]] Act old_ended(TimePoint now);
  /// The daemon is told to stop.
  [[nodiscard]] Act stop(TimePoint now);
  [[nodiscard]] Act at(TimePoint now);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept { return deadline_; }
  /// Of the last failure.
  [[nodiscard]] const Error& why() const noexcept { return why_; }

 private:
  Act kill(Error why, TimePoint now);
  Act fail();
  Act begin_serving(TimePoint now);

  const Limits limits_;
  State state_ = State::idle;
  std::optional<TimePoint> deadline_;
  bool killed_ = false;      ///< the candidate
  bool old_gone_ = false;    ///< it ended after the candidate had been checked
  bool old_killed_ = false;  ///< so it will end
  Error why_;
};

}  // namespace weft::fs
