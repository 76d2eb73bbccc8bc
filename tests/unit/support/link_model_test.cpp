// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

constexpr LinkTime start{1h};
constexpr std::uint64_t byte_a_microsecond = 8'000'000;

TEST(LinkModel, without_rate_everything_leaves_after_the_delay) {
  LinkModel link(10ms, 0);
  EXPECT_EQ(link.admit(start, 1), start + 10ms);
  EXPECT_EQ(link.admit(start, 100'000'000), start + 10ms);
  EXPECT_TRUE(link.accepts(start));
}

TEST(LinkModel, rate_serialises_what_enters_at_once) {
  LinkModel link(10ms, byte_a_microsecond);
  EXPECT_EQ(link.admit(start, 1448), start + 10ms + 1514us);
  EXPECT_EQ(link.admit(start, 1448), start + 10ms + 2 * 1514us);
}

TEST(LinkModel, idle_time_is_not_saved_up_for_a_burst) {
  LinkModel link(0ms, byte_a_microsecond);
  EXPECT_EQ(link.admit(start, 1448), start + 1514us);
  EXPECT_EQ(link.admit(start + 1s, 1448), start + 1s + 1514us);
  EXPECT_EQ(link.admit(start + 1s, 1448), start + 1s + 2 * 1514us);
}

TEST(LinkModel, full_queue_takes_no_more_until_it_has_drained_to_its_bound) {
  LinkModel link(0ms, byte_a_microsecond);
  static_cast<void>(link.admit(start, 40 * 1448));  // 60.56 ms of queue, 50 are allowed
  EXPECT_FALSE(link.accepts(start));
  EXPECT_EQ(link.accepts_at(), start + 10560us);
  EXPECT_TRUE(link.accepts(start + 10560us));
}

TEST(LinkModel, window_holds_more_than_the_link) {
  const LinkModel link(75ms, 1'000'000'000);
  EXPECT_GT(link.window(), 75'000 * 125U);
  EXPECT_GE(LinkModel(10ms, 1'000'000).window(), std::size_t{1} << 20);
}

TEST(DelayLine, keeps_order_and_counts_partly_sent_chunks) {
  DelayLine line(100);
  line.push(std::vector(60, std::byte{1}), start);
  EXPECT_TRUE(line.has_room());
  line.push(std::vector(60, std::byte{2}), start + 1ms);
  EXPECT_FALSE(line.has_room());
  line.consume(59);
  EXPECT_EQ(line.size(), 1U);
  EXPECT_EQ(line.next_due(), start);
  line.consume(1);
  EXPECT_EQ(*line.data(), std::byte{2});
  EXPECT_EQ(line.next_due(), start + 1ms);
  EXPECT_EQ(line.bytes(), 60U);
  line.consume(60);
  EXPECT_TRUE(line.empty());
}

}  // namespace
}  // namespace weft::testing
