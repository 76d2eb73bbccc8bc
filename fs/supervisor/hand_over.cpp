// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/hand_over.h"

#include <utility>

namespace weft::fs {
namespace {

Error missed(const char* what) {
  return {make_error_code(Errc::deadline_passed), Operation::serve, what};
}

}  // namespace

HandOver::Act HandOver::upgrade_called(TimePoint now) {
  if (state_ != State::idle) return Act::call_busy;
  state_ = State::checking;
  deadline_ = now + limits_.check;
  killed_ = old_gone_ = old_killed_ = false;
  return Act::start_candidate;
}

HandOver::Act HandOver::stands_by(TimePoint now) {
  if (state_ != State::checking || killed_) return Act::nothing;
  state_ = State::standing_by;
  deadline_ = now + limits_.suspend;
  return Act::announce;
}

HandOver::Act HandOver::refused(Error why, TimePoint now) {
  return state_ == State::idle ? Act::nothing : kill(std::move(why), now);
}

HandOver::Act HandOver::kill(Error why, TimePoint now) {
  if (killed_) return Act::nothing;
  killed_ = true;
  why_ = std::move(why);
  deadline_ = now + limits_.kill;
  return Act::kill_candidate;
}

HandOver::Act HandOver::candidate_ended(Error why) {
  if (state_ == State::idle) return Act::nothing;
  if (!killed_) why_ = std::move(why);
  return fail();
}

/// The candidate is gone.
HandOver::Act HandOver::fail() {
  deadline_.reset();
  const State before = std::exchange(state_, State::idle);
  if (old_gone_) return Act::replace_both;
  switch (before) {
    case State::checking:
      return Act::refuse;
    case State::taking_over:
      return Act::give_back;
    case State::standing_by:  // the hand-over call that follows finds no candidate
    case State::idle:
      break;
  }
  return Act::nothing;
}

HandOver::Act HandOver::begin_serving(TimePoint now) {
  state_ = State::taking_over;
  deadline_ = now + limits_.take_over;
  return Act::let_serve;
}

HandOver::Act HandOver::candidate_ready() {
  if (state_ != State::taking_over || killed_) return Act::nothing;
  state_ = State::idle;
  deadline_.reset();
  return Act::promote;
}

HandOver::Act HandOver::handed_over(TimePoint now) {
  if (state_ == State::standing_by && !killed_) return begin_serving(now);
  // Killed, and not gone yet: its end gives back.
  if (state_ == State::standing_by) {
    state_ = State::taking_over;
    return Act::nothing;
  }
  if (state_ != State::idle) return Act::call_busy;
  return Act::give_back;
}

HandOver::Act HandOver::old_ended(TimePoint now) {
  if (state_ == State::idle) return Act::nothing;
  old_gone_ = true;
  if (state_ == State::standing_by && !killed_) return begin_serving(now);
  if (state_ == State::taking_over) return Act::nothing;
  return kill({make_error_code(Errc::cancelled), Operation::serve,
               "the worker died while its successor was checked"},
              now);
}

HandOver::Act HandOver::stop(TimePoint now) {
  if (state_ == State::idle) return Act::nothing;
  return kill({make_error_code(Errc::cancelled), Operation::serve, "the daemon is stopping"}, now);
}

HandOver::Act HandOver::at(TimePoint now) {
  if (!deadline_ || now < *deadline_) return Act::nothing;
  // It hangs in the kernel and holds nothing that it could still use.
  if (killed_) return fail();
  switch (state_) {
    case State::checking:
      return kill(missed("the new binary did not say in time that it stands by"), now);
    case State::standing_by:
      if (std::exchange(old_killed_, true)) return Act::nothing;
      deadline_.reset();
      return Act::kill_old;
    case State::taking_over:
      return kill(missed("the new binary did not serve in time"), now);
    case State::idle:
      break;
  }
  return Act::nothing;
}

}  // namespace weft::fs
