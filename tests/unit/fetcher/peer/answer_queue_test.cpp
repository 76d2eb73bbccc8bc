// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer_queue.h"

#include "fetcher/peer/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::fetcher {
namespace {

using wire::Priority;
using Bytes = AnswerQueue::Bytes;

/// Makes and sends until nothing is left, one frame at a time; each answer has `parts` frames.
/// Returns the request ids in order of sending.
class Drain {
 public:
  explicit Drain(AnswerQueue& queue) : queue_(queue) {}

  void make_all() {
    while (const auto job = queue_.next_job()) {
      int& left = parts.try_emplace(job->request, 1).first->second;
      --left;
      queue_.made(job->request, Bytes(10), left == 0);
    }
  }
  std::string send(int frames) {
    std::string sent;
    for (int i = 0; i < frames; ++i) {
      make_all();
      const auto ready = queue_.pop();
      if (!ready) break;
      sent += static_cast<char>('a' + ready->request - 1);
    }
    return sent;
  }

  std::map<std::uint32_t, int> parts;

 private:
  AnswerQueue& queue_;
};

TEST(AnswerQueue, prefetch_answers_go_one_after_the_other) {
  AnswerQueue queue;
  Drain drain(queue);
  drain.parts = {{1, 4}, {2, 3}};
  EXPECT_TRUE(queue.add(1, Priority::prefetch, nullptr, 1));
  EXPECT_TRUE(queue.add(2, Priority::prefetch, nullptr, 1));
  EXPECT_EQ(drain.send(100), "aaaabbb");
}

TEST(AnswerQueue, demand_answers_take_turns) {
  AnswerQueue queue;
  Drain drain(queue);
  drain.parts = {{1, 4}, {2, 2}};
  EXPECT_TRUE(queue.add(1, Priority::demand, nullptr, 1));
  EXPECT_TRUE(queue.add(2, Priority::demand, nullptr, 1));
  EXPECT_EQ(drain.send(100), "ababaa");
}

TEST(AnswerQueue, a_lower_priority_number_goes_first_even_when_others_are_ready) {
  AnswerQueue queue;
  Drain drain(queue);
  drain.parts = {{1, 6}, {2, 2}, {3, 2}};
  EXPECT_TRUE(queue.add(1, Priority::prefetch, nullptr, 1));
  EXPECT_EQ(drain.send(1), "a");
  drain.make_all();
  EXPECT_TRUE(queue.add(2, Priority::readahead, nullptr, 1));
  EXPECT_TRUE(queue.add(3, Priority::demand, nullptr, 1));
  EXPECT_EQ(drain.send(100), "ccbbaaaaa");
}

TEST(AnswerQueue, little_is_made_ahead_and_one_frame_at_a_time_of_an_answer) {
  AnswerQueue queue;
  EXPECT_TRUE(queue.add(1, Priority::prefetch, nullptr, 1));
  EXPECT_TRUE(queue.add(2, Priority::prefetch, nullptr, 1));
  ASSERT_TRUE(queue.next_job());
  EXPECT_FALSE(queue.next_job()) << "the second would overtake the first";
  queue.made(1, Bytes(1), false);
  ASSERT_TRUE(queue.next_job());
  queue.made(1, Bytes(1), false);
  EXPECT_FALSE(queue.next_job()) << "two frames are ready";
  EXPECT_TRUE(queue.add(3, Priority::demand, nullptr, 1));
  EXPECT_TRUE(queue.add(4, Priority::demand, nullptr, 1));
  EXPECT_TRUE(queue.add(5, Priority::demand, nullptr, 1));
  EXPECT_EQ(queue.next_job()->request, 3u) << "what is ready of prefetch does not hold up demand";
  EXPECT_EQ(queue.next_job()->request, 4u);
  EXPECT_FALSE(queue.next_job());
  EXPECT_EQ(queue.ready_bytes(), 2u);
}

TEST(AnswerQueue, cancel_drops_what_is_ready_and_what_is_being_made) {
  AnswerQueue queue;
  EXPECT_TRUE(queue.add(1, Priority::demand, nullptr, 70));
  ASSERT_TRUE(queue.next_job());
  queue.made(1, Bytes(10), false);
  ASSERT_TRUE(queue.next_job());
  EXPECT_TRUE(queue.cancel(1));
  EXPECT_FALSE(queue.cancel(1));
  EXPECT_EQ(queue.ready_bytes(), 0u);
  EXPECT_FALSE(queue.next_job());
  EXPECT_FALSE(queue.add(1, Priority::demand, nullptr, 1)) << "a worker still has it";
  queue.made(1, Bytes(10), false);
  EXPECT_FALSE(queue.pop());
  EXPECT_EQ(queue.request_bytes(), 0u);
  EXPECT_EQ(queue.answers(), 0u);
  EXPECT_TRUE(queue.add(1, Priority::demand, nullptr, 1));
}

TEST(AnswerQueue, a_raised_answer_takes_its_ready_frames_along) {
  AnswerQueue queue;
  Drain drain(queue);
  drain.parts = {{1, 9}, {2, 3}};
  EXPECT_TRUE(queue.add(1, Priority::prefetch, nullptr, 1));
  EXPECT_TRUE(queue.add(2, Priority::readahead, nullptr, 1));
  drain.make_all();
  queue.reprioritise(2, Priority::prefetch);
  queue.reprioritise(1, Priority::demand);
  EXPECT_EQ(drain.send(9), "aaaaaaaaa");
  EXPECT_EQ(drain.send(9), "bbb");
}

TEST(AnswerQueue, an_answer_is_raised_while_its_last_frame_waits_or_is_being_made) {
  AnswerQueue queue;
  EXPECT_TRUE(queue.add(1, Priority::prefetch, nullptr, 1));
  ASSERT_TRUE(queue.next_job());
  queue.made(1, Bytes(1), true);
  queue.add_frame(Priority::readahead, 9, Bytes(1));
  queue.reprioritise(1, Priority::demand);
  EXPECT_EQ(queue.pop()->request, 1u);
  EXPECT_TRUE(queue.add(2, Priority::prefetch, nullptr, 1));
  (void)queue.pop();
  ASSERT_TRUE(queue.next_job());
  queue.reprioritise(2, Priority::demand);
  EXPECT_TRUE(queue.add(3, Priority::demand, nullptr, 1));
  EXPECT_TRUE(queue.next_job());
  EXPECT_FALSE(queue.next_job()) << "the one being made counts where it is now";
  queue.made(2, Bytes(1), true);
  EXPECT_EQ(queue.pop()->priority, Priority::demand);
}

}  // namespace
}  // namespace weft::fetcher
