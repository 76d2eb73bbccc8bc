// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace weft::fetcher {

class Answer;

/// What one connection still has to send, and in which order. Pure.
///
/// Order: frames of a lower priority number go first, so a demand answer overtakes prefetch at the
/// next frame boundary. Within demand and readahead the answers take turns, frame by frame: a short
/// read does not wait for a long one. Within prefetch they go one after the other, because the
/// requester's order is its plan.
///
/// Frames are made ahead of being sent, by workers, but never more than `look_ahead` per priority
/// and one at a time per answer: enough to keep the link full, and little that a later demand has
/// to be made behind.
class AnswerQueue {
 public:
  static constexpr std::size_t look_ahead = 2;
  using Bytes = std::vector<std::byte>;

  struct Job {
    std::uint32_t request;
    wire::Priority priority;
    std::shared_ptr<Answer> answer;
  };
  struct Ready {
    wire::Priority priority;
    std::uint32_t request;
    Bytes frame;
  };

  /// `cost`: bytes the request takes while it waits. False: this id is still being answered.
  [[nodiscard]] bool add(std::uint32_t request, wire::Priority priority,
                         std::shared_ptr<Answer> answer, std::size_t cost);
  /// A frame that needs no making. `request` may be 0.
  void add_frame(wire::Priority priority, std::uint32_t request, Bytes frame);

  /// The answer of which a frame is to be made now, if any. It is not returned again before
  /// `made`.
  [[nodiscard]] std::optional<Job> next_job();
  /// The frame made for a job; `last` ends the answer. Dropped if it was cancelled meanwhile.
  void made(std::uint32_t request, Bytes frame, bool last);

  [[nodiscard]] std::optional<Ready> pop();

  /// Ends the answer and drops its frames. False: there is none.
  bool cancel(std::uint32_t request);
  void reprioritise(std::uint32_t request, wire::Priority priority);
  void clear();

  [[nodiscard]] std::size_t answers() const { return entries_.size(); }
  /// Of all waiting requests.
  [[nodiscard]] std::size_t request_bytes() const { return request_bytes_; }
  /// Of frames that are ready.
  [[nodiscard]] std::size_t ready_bytes() const { return ready_bytes_; }

 private:
  static constexpr std::size_t classes = 4;
  struct Entry {
    wire::Priority priority;
    std::shared_ptr<Answer> answer;
    std::size_t cost;
    bool making = false;
    bool cancelled = false;
  };
  struct Class {
    std::list<std::uint32_t> order;  // of answers with frames still to be made
    std::deque<Ready> ready;
    std::size_t making = 0;
  };
  [[nodiscard]] Class& at(wire::Priority priority) {
    return classes_[static_cast<std::size_t>(priority)];
  }
  void erase(std::map<std::uint32_t, Entry>::iterator entry);
  void drop_ready(std::uint32_t request);
  static void move_ready(std::uint32_t request, Class& from, Class& to);

  std::map<std::uint32_t, Entry> entries_;
  std::array<Class, classes> classes_;
  std::size_t request_bytes_ = 0;
  std::size_t ready_bytes_ = 0;
};

}  // namespace weft::fetcher
