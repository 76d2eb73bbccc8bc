// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/scheduler.h"
#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weft::fetcher::testing {

/// A scheduler, and what it has wanted so far. Checks its invariants after every step.
class SchedulerTest : public ::testing::Test {
 protected:
  static constexpr PeerId a{1};
  static constexpr PeerId b{2};
  static constexpr TimePoint t0{std::chrono::hours(1)};
  static constexpr Duration second = std::chrono::seconds(1);

  static ImageId image_id(std::uint8_t n) {
    ImageId id;
    id.bytes[0] = n;
    return id;
  }
  const ImageId image = image_id(1);

  void SetUp() override { scheduler.add_image(image, BlockCount(1'000'000)); }

  void connect(PeerId peer, double mbit = 100, int rtt_ms = 10) {
    scheduler.peer_up(peer);
    scheduler.link_measured(peer, mbit * 125'000, std::chrono::milliseconds(rtt_ms));
    step();
  }
  void complete(PeerId peer) { complete(peer, image); }
  void complete(PeerId peer, const ImageId& of) {
    scheduler.holding(peer, of, Scheduler::Holding::complete, now);
    step();
  }
  void partial(PeerId peer, std::string_view picture) {
    scheduler.holding(peer, image, ranges(picture), {}, now);
    step();
  }
  FetchTicket read(BlockRange range, Duration wait = std::chrono::seconds(60), bool hold = true) {
    return read(image, range, {}, wait, hold);
  }
  FetchTicket read(const ImageId& of, BlockRange range, std::vector<TreeNode> nodes = {},
                   Duration wait = std::chrono::seconds(60), bool hold = true) {
    const FetchTicket ticket{++last_ticket};
    joined = scheduler.read(of,
                            {.ticket = ticket,
                             .range = range,
                             .missing = {range},
                             .nodes = std::move(nodes),
                             .deadline = now + wait,
                             .hold = hold},
                            now);
    step();
    return ticket;
  }
  void prefetch(BlockRange range) { prefetch(image, range); }
  void prefetch(const ImageId& of, BlockRange range) {
    scheduler.want(of, std::vector{range}, {}, wire::Priority::prefetch, now);
    step();
  }
  /// The whole answer arrives in one frame and lands.
  void deliver(const SendBlocks& sent) {
    EXPECT_EQ(answer(sent, {sent.ranges, {}, blocks_in({sent}) * block_size, true}),
              Scheduler::Verdict::fine);
    land(sent.image, sent.ranges);
  }
  Scheduler::Verdict answer(const SendBlocks& sent, const Scheduler::Answer& what) {
    const Scheduler::Verdict verdict = scheduler.answered(sent.id, what, now);
    step();
    return verdict;
  }
  void land(const ImageId& of, const std::vector<BlockRange>& landed) {
    scheduler.landed(of, landed, now);
    step();
  }
  void advance(Duration by) {
    now += by;
    scheduler.tick(now);
    step();
  }
  void step() {
    scheduler.check_invariants();
    for (Command& command : scheduler.take_commands())
      commands.push_back(std::move(command));
  }

  /// Commands of one kind since the last call for that kind.
  template <class T>
  std::vector<T> take() {
    std::vector<T> found;
    std::erase_if(commands, [&](Command& command) {
      T* wanted = std::get_if<T>(&command);
      if (wanted != nullptr) found.push_back(std::move(*wanted));
      return wanted != nullptr;
    });
    return found;
  }
  template <class T>
  T take_one() {
    std::vector<T> found = take<T>();
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? T{} : std::move(found.front());
  }
  static std::uint64_t blocks_in(const std::vector<SendBlocks>& sent) {
    std::uint64_t sum = 0;
    for (const SendBlocks& s : sent) {
      for (const BlockRange& range : s.ranges)
        sum += range.count.value();
    }
    return sum;
  }

  Scheduler scheduler;
  TimePoint now = t0;
  std::vector<Command> commands;
  std::uint64_t last_ticket = 0;
  bool joined = false;
};

}  // namespace weft::fetcher::testing
