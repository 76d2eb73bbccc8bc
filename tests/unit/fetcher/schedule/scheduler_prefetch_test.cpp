// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using wire::Priority;

class SchedulerPrefetch : public SchedulerTest {
 protected:
  /// Reads take long while the link is full of prefetch, which is delivered in the end.
  void read_beside_harmful_prefetch() {
    connect(a, 100, 20);
    complete(a);
    prefetch(blocks(0, 100'000));
    std::vector<SendBlocks> prefetched = take<SendBlocks>();
    for (std::uint64_t i = 0; i < 64; ++i) {
      read(blocks(500'000 + 100 * i, 1));
      now += std::chrono::milliseconds(100);
      for (const SendBlocks& sent : take<SendBlocks>()) {
        if (sent.priority == Priority::demand) {
          deliver(sent);
        } else {
          prefetched.push_back(sent);
        }
      }
    }
    for (const SendBlocks& sent : prefetched)
      deliver(sent);
  }
};

/// Several that draw on one cap. The scheduler is woken when it says; what it asks for comes at
/// once.
class SchedulerCaps : public SchedulerTest {
 protected:
  void SetUp() override {
    SchedulerTest::SetUp();
    scheduler.add_image(other, BlockCount(1'000'000));
    connect(a, 100, 20);
    complete(a);
  }
  void ingress(double bytes_per_second) {
    scheduler.own_link({.site = {}, .ingress_bytes_per_second = bytes_per_second, .sites = {}},
                       now);
  }
  void go_on(Duration by) {
    for (const TimePoint end = now + by; now < end;) {
      if (somebody_reads && now >= reads_at) {
        read(*somebody_reads, blocks(500'000 + ++reads, 1));
        reads_at = now + std::chrono::milliseconds(500);
      }
      const auto wakes_at = scheduler.next_wakeup(now);
      ASSERT_TRUE(wakes_at);
      ASSERT_GT(*wakes_at, now) << "or it would spin";
      advance(*wakes_at - now);
      for (const SendBlocks& s : take<SendBlocks>())
        bring(s);
    }
  }
  void bring(const SendBlocks& s) {
    const std::uint64_t bytes = blocks_in({s}) * (s.image == image ? wire : wire_of_other);
    EXPECT_EQ(answer(s, {s.ranges, {}, bytes, true}), Scheduler::Verdict::fine);
    land(s.image, s.ranges);
    wire_bytes += static_cast<double>(bytes);
    if (s.priority == Priority::demand) return;
    asked.push_back(s);
  }
  template <class Which>
  double blocks_of(Which which) const {
    std::uint64_t sum = 0;
    for (const SendBlocks& s : asked)
      sum += which(s) ? blocks_in({s}) : 0;
    return static_cast<double>(sum);
  }

  const ImageId other = image_id(2);
  std::uint64_t wire = block_size;
  std::uint64_t wire_of_other = block_size;
  std::optional<ImageId> somebody_reads;
  TimePoint reads_at = t0;
  std::uint64_t reads = 0;
  std::vector<SendBlocks> asked;  // that no read asked for
  double wire_bytes = 0;
};

TEST_F(SchedulerCaps, readahead_goes_before_prefetch_that_needs_less) {
  ingress(1e6);
  somebody_reads = image;
  prefetch(blocks(0, 100'000));
  go_on(second);
  asked.clear();
  scheduler.want(image, std::vector{blocks(300'000, 64)}, {}, Priority::readahead, now);
  step();
  go_on(second);
  ASSERT_GE(asked.size(), 3U);
  EXPECT_EQ(asked[0].priority, Priority::readahead);
  EXPECT_EQ(asked[1].priority, Priority::readahead);
  EXPECT_EQ(asked[2].priority, Priority::prefetch);
}

TEST_F(SchedulerCaps, what_a_boot_will_read_goes_before_other_prefetch) {
  ingress(1e6);
  somebody_reads = image;
  complete(a, other);
  prefetch(blocks(0, 100'000));
  go_on(second);
  asked.clear();
  const std::vector<Urgency::Slice> slices{{1, {blocks(0, 128)}}};
  scheduler.set_urgency(other, Urgency(slices));
  prefetch(other, blocks(0, 128));
  go_on(2 * second);
  ASSERT_GE(asked.size(), 5U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(asked[i].image, other) << i;
  EXPECT_EQ(asked[4].image, image);
}

TEST_F(SchedulerCaps, images_share_one_however_they_compress) {
  ingress(1e6);
  wire_of_other = block_size / 4;
  complete(a, other);
  prefetch(blocks(0, 100'000));
  prefetch(other, blocks(0, 100'000));
  go_on(20 * second);
  const double ours = blocks_of([&](const SendBlocks& s) { return s.image == image; });
  const double others = blocks_of([&](const SendBlocks& s) { return s.image == other; });
  EXPECT_LT(ours, 2 * others);
  EXPECT_LT(others, 2 * ours);
  EXPECT_NEAR(wire_bytes, 20e6, 2e6);
}

TEST_F(SchedulerCaps, one_that_nobody_can_serve_takes_nothing_of_it) {
  ingress(200e3);
  wire = block_size + 200;  // does not compress
  prefetch(blocks(0, 100'000));
  prefetch(other, blocks(0, 100'000));
  go_on(20 * second);
  wire_bytes = 0;  // by now it is known how little it compresses
  go_on(20 * second);
  EXPECT_NEAR(wire_bytes, 4e6, 0.4e6);
}

TEST_F(SchedulerCaps, links_share_one_though_somebody_reads_over_one_of_them) {
  scheduler.cap_prefetch(image, 1e6, now);
  complete(a, other);
  somebody_reads = other;  // which only `a` has
  connect(b, 100, 20);
  complete(b);
  prefetch(blocks(0, 100'000));
  go_on(5 * second);
  const double near = blocks_of([&](const SendBlocks& s) { return s.peer == a; });
  const double far = blocks_of([&](const SendBlocks& s) { return s.peer == b; });
  EXPECT_LT(near, 3 * far);
  EXPECT_LT(far, 3 * near);
  EXPECT_NEAR((near + far) * block_size, 5e6, 0.3e6);
}

TEST_F(SchedulerPrefetch, fills_the_window_of_the_link_and_not_more) {
  connect(a, 100, 100);  // 12.5 MB/s × 105 ms × 2 = 640 blocks
  complete(a);
  prefetch(blocks(0, 10'000));
  const auto sent = take<SendBlocks>();
  const std::uint64_t window = scheduler.link(a)->window().value();
  EXPECT_EQ(window, 640U);
  EXPECT_GE(blocks_in(sent), window);
  EXPECT_LT(blocks_in(sent), window + scheduler.link(a)->request_size().value());
}

TEST_F(SchedulerPrefetch, a_thin_near_link_still_gets_two_batches) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 10'000));
  EXPECT_EQ(blocks_in(take<SendBlocks>()), 64U);
}

TEST_F(SchedulerPrefetch, goes_in_image_order_in_whole_batches) {
  connect(a, 10, 10);
  complete(a);
  prefetch(blocks(1000, 1000));
  prefetch(blocks(0, 100));
  std::uint64_t expected = 1000;
  const auto sent = take<SendBlocks>();
  for (const SendBlocks& s : sent) {
    EXPECT_EQ(s.priority, Priority::prefetch);
    std::uint64_t count = 0;
    for (const BlockRange& range : s.ranges) {
      EXPECT_EQ(range.first.value(), expected);
      expected = range.end().value();
      count += range.count.value();
    }
    EXPECT_EQ(count % wire::blocks_per_batch, 0U);
  }
  deliver(sent.front());
  EXPECT_EQ(take_one<SendBlocks>().ranges.front().first, BlockIndex(0)) << "wanted since";
}

TEST_F(SchedulerPrefetch, fragments_share_a_request) {
  connect(a);
  complete(a);
  std::vector<BlockRange> fragments;
  for (std::uint64_t i = 0; i < 16; ++i)
    fragments.push_back(blocks(i * 10, 2));
  scheduler.want(image, fragments, {}, Priority::prefetch, now);
  step();
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(sent.ranges.size(), 16U);
}

TEST_F(SchedulerPrefetch, demand_is_sent_although_the_window_is_full) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 10'000));
  take<SendBlocks>();
  read(blocks(5000, 1));
  EXPECT_EQ(take_one<SendBlocks>().priority, Priority::demand);
}

TEST_F(SchedulerPrefetch, a_demanded_block_leaves_the_prefetch) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 200));
  read(blocks(150, 1));
  EXPECT_FALSE(scheduler.image(image)->wanted(Priority::prefetch).contains(BlockIndex(150)));
}

TEST_F(SchedulerPrefetch, readahead_goes_before_prefetch) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 1000));
  const auto first = take<SendBlocks>();
  scheduler.want(image, std::vector{blocks(500, 32)}, {}, Priority::readahead, now);
  step();
  const auto ahead = take_one<SendBlocks>();
  EXPECT_EQ(ahead.priority, Priority::readahead);
  EXPECT_EQ(ahead.ranges, std::vector{blocks(500, 32)});
}

TEST_F(SchedulerPrefetch, images_take_turns_on_a_link) {
  const ImageId other = image_id(2);
  scheduler.add_image(other, BlockCount(100'000));
  connect(a, 100, 100);
  complete(a);
  complete(a, other);
  prefetch(blocks(0, 10'000));
  prefetch(other, blocks(0, 10'000));
  std::map<ImageId, int> sent;
  for (int i = 0; i < 12; ++i) {
    auto out = take<SendBlocks>();
    for (const SendBlocks& s : out) {
      ++sent[s.image];
      deliver(s);
    }
  }
  EXPECT_GT(sent[image], 10);
  EXPECT_NEAR(static_cast<double>(sent[image]) / sent[other], 1.0, 0.2);
}

TEST_F(SchedulerPrefetch, every_holder_carries_what_it_can) {
  connect(a, 100, 20);
  connect(b, 10, 20);
  complete(a);
  complete(b);
  prefetch(blocks(0, 10'000));
  std::map<PeerId, std::uint64_t> carried;
  for (const SendBlocks& s : take<SendBlocks>())
    carried[s.peer] += blocks_in({s});
  EXPECT_GT(carried[a], carried[b]);
  EXPECT_GT(carried[b], 0U);
}

TEST_F(SchedulerPrefetch, partial_holders_are_asked_for_what_they_hold_only) {
  connect(a);
  connect(b);
  partial(a, "##..##..");
  partial(b, "..##..##");
  prefetch(blocks(0, 8));
  std::string all(8, '.');
  for (const SendBlocks& s : take<SendBlocks>()) {
    EXPECT_EQ(picture(s.ranges, 8), s.peer == a ? "##..##.." : "..##..##");
  }
  EXPECT_EQ(scheduler.prefetch_backlog(image), BlockCount(0));
}

TEST_F(SchedulerPrefetch, a_cap_is_kept) {
  connect(a, 1000, 10);
  complete(a);
  scheduler.cap_prefetch(image, 1e6, now);
  prefetch(blocks(0, 100'000));
  std::uint64_t got = 0;
  for (int ms = 0; ms < 10'000; ms += 20) {
    advance(std::chrono::milliseconds(20));
    for (const SendBlocks& s : take<SendBlocks>()) {
      got += blocks_in({s});
      deliver(s);
    }
  }
  EXPECT_NEAR(static_cast<double>(got * block_size), 10e6, 0.5e6);
}

TEST_F(SchedulerPrefetch, a_pause_ends) {
  connect(a);
  complete(a);
  scheduler.pause_prefetch(image, now + second);
  prefetch(blocks(0, 32));
  EXPECT_TRUE(take<SendBlocks>().empty());
  read(blocks(100, 1));
  EXPECT_EQ(take<SendBlocks>().size(), 1U) << "reads go on";
  advance(second);
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(0, 32)});
}

TEST_F(SchedulerPrefetch, window_counts_compressed_bytes) {
  connect(a, 100, 100);
  complete(a);
  const std::uint64_t before = scheduler.link(a)->window().value();
  prefetch(blocks(0, 100'000));
  for (int i = 0; i < 100; ++i) {
    for (const SendBlocks& s : take<SendBlocks>()) {
      EXPECT_EQ(answer(s, {s.ranges, {}, blocks_in({s}) * 1024, true}), Scheduler::Verdict::fine);
      land(image, s.ranges);
      if (scheduler.prefetch_backlog(image) == BlockCount(0)) break;
    }
  }
  EXPECT_NEAR(static_cast<double>(scheduler.link(a)->window().value()),
              static_cast<double>(before) * 4, static_cast<double>(before) * 0.2);
}

TEST_F(SchedulerPrefetch, stopping_forgets_what_was_not_asked_for) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 1000));
  for (const SendBlocks& s : take<SendBlocks>()) {
    scheduler.stop_prefetch(image);
    deliver(s);
  }
  EXPECT_TRUE(take<SendBlocks>().empty());
  EXPECT_TRUE(scheduler.image(image)->idle());
}

TEST_F(SchedulerPrefetch, requests_keep_to_the_limits_of_the_wire) {
  connect(a);
  complete(a);
  std::vector<BlockRange> fragments;
  for (std::uint64_t i = 0; i < 3000; ++i)
    fragments.push_back(blocks(i * 2, 1));
  const FetchTicket ticket{++last_ticket};
  scheduler.read(image,
                 {.ticket = ticket,
                  .range = blocks(0, 6000),
                  .missing = fragments,
                  .nodes = {},
                  .deadline = now + second,
                  .hold = true},
                 now);
  step();
  std::uint64_t sum = 0;
  for (const SendBlocks& s : take<SendBlocks>()) {
    EXPECT_LE(s.ranges.size(), wire::max_ranges);
    EXPECT_LE(blocks_in({s}), wire::max_blocks_requested);
    sum += blocks_in({s});
  }
  EXPECT_EQ(sum, 3000U);
}

// --- Twins: whether one waits for the other.

class SchedulerTwins : public SchedulerTest {
 protected:
  /// Both images at `a`, whose link has stalled; 64 blocks of `image` are being asked of it, and
  /// more wait.
  void SetUp() override {
    SchedulerTest::SetUp();
    scheduler.add_image(other, BlockCount(1'000'000));
    connect(a);
    complete(a);
    complete(a, other);
    prefetch(blocks(0, 10'000));
    advance(40 * second);
  }
  [[nodiscard]] bool waits(std::uint64_t first) const {
    return scheduler.worth_waiting_for({image, BlockIndex(first)}, {other, BlockIndex(7)});
  }
  static constexpr std::uint64_t asked = 0;
  static constexpr std::uint64_t wanted = 9'999;
  const ImageId other = image_id(2);
};

TEST_F(SchedulerTwins, a_stalled_link_is_waited_for_where_no_other_would_bring_the_twin) {
  EXPECT_TRUE(waits(asked));
  EXPECT_TRUE(waits(wanted));
  connect(b);
  EXPECT_TRUE(waits(wanted)) << "it does not hold the twin";
}

TEST_F(SchedulerTwins, a_stalled_link_is_not_waited_for_where_another_would_bring_the_twin) {
  connect(b);
  complete(b, other);
  EXPECT_FALSE(waits(asked));
  EXPECT_FALSE(waits(wanted));
}

TEST_F(SchedulerTwins, a_lively_link_is_waited_for_whoever_holds_the_twin) {
  connect(b);
  complete(b, other);
  complete(b);
  EXPECT_TRUE(waits(wanted));
}

TEST_F(SchedulerTwins, what_nobody_wants_or_a_cap_holds_back_is_not_waited_for) {
  EXPECT_FALSE(waits(20'000));
  scheduler.cap_prefetch(image, 1e6, now);
  EXPECT_FALSE(waits(wanted));
  EXPECT_TRUE(scheduler.worth_waiting_for({image, BlockIndex(wanted)}, {image, BlockIndex(7)}));
}

TEST_F(SchedulerPrefetch, beside_reads_a_link_gets_what_its_path_holds_in_halves_of_a_batch) {
  connect(a, 100, 20);
  complete(a);
  read(blocks(500'000, 1));
  deliver(take_one<SendBlocks>());
  prefetch(blocks(0, 10'000));
  const LinkWindow& link = *scheduler.link(a);
  const double held = 12.5e6 * 0.020 / link.wire_bytes_per_block();
  EXPECT_GE(link.outstanding().value(), static_cast<std::uint64_t>(held));
  EXPECT_LE(link.outstanding().value(), static_cast<std::uint64_t>(held) + 40);
  for (const SendBlocks& s : take<SendBlocks>())
    EXPECT_LE(blocks_in({s}), 16U);
  advance(std::chrono::milliseconds(1100));
  EXPECT_GE(link.outstanding(), link.window()) << "nobody reads any more";
}

TEST_F(SchedulerPrefetch, beside_reads_a_cap_lets_one_request_through_at_a_time) {
  connect(a, 100, 20);
  complete(a);
  scheduler.cap_prefetch(image, 1e6, now);  // 16 blocks in 65 ms
  prefetch(blocks(0, 10'000));
  std::uint64_t got = 0;
  const TimePoint begun = now;
  for (TimePoint reads_at = now; now < begun + 3 * second;) {
    if (now >= reads_at) {
      read(blocks(500'000 + got, 1));
      reads_at += std::chrono::milliseconds(500);
    }
    const auto wakes_at = scheduler.next_wakeup(now);
    ASSERT_TRUE(wakes_at);
    ASSERT_GT(*wakes_at, now) << "or it would spin";
    advance(*wakes_at - now);
    std::uint64_t prefetched = 0;
    for (const SendBlocks& s : take<SendBlocks>()) {
      if (s.priority == wire::Priority::prefetch) prefetched += blocks_in({s});
      deliver(s);
    }
    EXPECT_LE(prefetched, 16U) << (now - begun).count();
    got += prefetched;
  }
  EXPECT_NEAR(static_cast<double>(got * block_size), 3e6, 0.15e6) << "and loses nothing by it";
}

TEST_F(SchedulerPrefetch, prefetch_that_harms_reads_gets_less) {
  read_beside_harmful_prefetch();
  const LinkWindow& link = *scheduler.link(a);
  EXPECT_GE(link.window(), BlockCount(128));
  EXPECT_LE(link.outstanding(), BlockCount(64));
}

TEST_F(SchedulerPrefetch, what_a_boot_will_read_does_not_back_off_from_its_reads) {
  const std::vector<Urgency::Slice> slices{{1, {blocks(0, 100'000)}}};
  scheduler.set_urgency(image, Urgency(slices));
  read_beside_harmful_prefetch();
  const LinkWindow& link = *scheduler.link(a);
  EXPECT_GE(link.outstanding(), link.window_beside_reads(BlockCount(32), 1));
}

TEST_F(SchedulerPrefetch, a_read_that_was_foreseen_is_not_read_ahead_of) {
  connect(a);
  complete(a);
  const std::vector<Urgency::Slice> slices{{1, {blocks(1000, 100)}}};
  scheduler.set_urgency(image, Urgency(slices));
  for (const std::uint64_t at : {1000U, 1008U, 1016U})
    read(blocks(at, 8));
  EXPECT_TRUE(take<LookAhead>().empty());
  for (const std::uint64_t at : {5000U, 5008U, 5016U})
    read(blocks(at, 8));
  EXPECT_FALSE(take<LookAhead>().empty());
}

}  // namespace
}  // namespace weft::fetcher::testing
