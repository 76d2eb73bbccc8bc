// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/exchange.h"

#include "tests/support/fetcher/memory_store.h"
#include "tests/support/fetcher/sim_world.h"
#include "tests/unit/fetcher/exchange/listing_peer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

constexpr PeerId first_id{1};
constexpr PeerId second_id{2};

class ExchangeTest : public ::testing::Test {
 protected:
  /// Lets it run for `span` with these peers connected, then stops it.
  void run(Duration span, std::function<Awaitable<void>()> meanwhile = {}) {
    exchange = std::make_unique<Exchange>(world.executor(), world.timers(), world.offload(), store,
                                          options);
    world.run(
        [&]() -> Awaitable<void> {
          exchange->peer_up(first_id, "a:1", first);
          exchange->peer_up(second_id, "b:1", second);
          if (meanwhile) co_await meanwhile();
          co_await sleep_until(world.timers(), world.timers().now() + span);
          statistics = exchange->statistics();
          holdings = exchange->holdings();
          co_await exchange->stop();
        },
        24h);
  }
  [[nodiscard]] bool knows(const ImageId& image) {
    return store.signature(image, 1u << 20).has_value();
  }

  SimWorld world;
  MemoryStore store;
  ExchangeOptions options;
  std::shared_ptr<ListingPeer> first = std::make_shared<ListingPeer>("first", 1);
  std::shared_ptr<ListingPeer> second = std::make_shared<ListingPeer>("second", 2);
  std::unique_ptr<Exchange> exchange;
  ExchangeStatistics statistics;
  std::vector<PeerHoldings> holdings;
};

TEST_F(ExchangeTest, each_signature_is_fetched_once_whoever_lists_it) {
  const ImageId common = first->add("common", 1, 9000);
  second->list = first->list;
  second->signatures = first->signatures;
  const ImageId own = second->add("own", 2, 100);
  run(10min);
  EXPECT_EQ(store.signature(common, 1u << 20),
            sampled(first->signatures[common], options.max_keys));
  EXPECT_TRUE(knows(own));
  EXPECT_EQ(first->asked.size() + second->asked.size(), 2u);
  EXPECT_EQ(first->asked.front().second, Priority::prefetch);
  EXPECT_EQ(statistics.signatures, 2u);
  EXPECT_EQ(statistics.wanted, 0u);
}

TEST_F(ExchangeTest, signatures_that_are_here_are_not_fetched) {
  const ImageId known = first->add("known", 1, 100);
  ASSERT_TRUE(store.learn_signature(first->signatures[known]));
  run(5min);
  EXPECT_TRUE(first->asked.empty());
}

TEST_F(ExchangeTest, the_budget_is_kept_and_everything_comes_in_the_end) {
  options.per_minute = ByteCount(60'000);
  options.burst = ByteCount(40'000);
  for (std::uint8_t i = 0; i < 20; ++i)
    (i % 2 == 0 ? first : second)->add("image" + std::to_string(i), i, 20'000);
  ByteCount before;
  run(1min, [&]() -> Awaitable<void> {
    for (int minute = 1; minute <= 20; ++minute) {
      co_await sleep_until(world.timers(), world.timers().now() + 1min);
      const auto now = exchange->statistics();
      const ByteCount spent = now.signature_bytes + now.list_bytes;
      EXPECT_LE(spent.value(), 40'000 + 60'000u * static_cast<unsigned>(minute));
      if (minute <= 5) EXPECT_GT((spent - before).value(), 30'000u) << "it does not stand still";
      before = spent;
    }
  });
  EXPECT_EQ(statistics.signatures, 20u);
}

TEST_F(ExchangeTest, an_image_of_any_size_costs_at_most_32_kib) {
  first->add("large", 1, 1'000'000);
  first->add("small", 2, 4096);
  run(1min);
  EXPECT_EQ(statistics.signatures, 2u);
  EXPECT_LE(statistics.signature_bytes.value(), 2u * 32 * 1024);
}

TEST_F(ExchangeTest, without_a_budget_only_what_is_wanted_is_fetched) {
  options.per_minute = ByteCount(0);
  const ImageId wanted = first->add("wanted", 1, 100);
  const ImageId other = first->add("other", 2, 100);
  run(5min, [&]() -> Awaitable<void> {
    EXPECT_TRUE(co_await exchange->want(wanted, world.timers().now() + 5s));
  });
  EXPECT_TRUE(knows(wanted));
  EXPECT_FALSE(knows(other));
  EXPECT_EQ(statistics.wanted, 1u);
  EXPECT_EQ(first->asked.front().second, Priority::readahead);
}

TEST_F(ExchangeTest, what_is_wanted_does_not_wait_for_the_budget_and_is_charged_to_it) {
  options.per_minute = ByteCount(1000);
  options.burst = ByteCount(1000);
  const ImageId big = first->add("big", 1, 100'000);
  const ImageId wanted = first->add("wanted", 2, 100'000);
  TimePoint asked{};
  run(1h, [&]() -> Awaitable<void> {
    co_await sleep_until(world.timers(), world.timers().now() + 1s);
    asked = world.timers().now();
    EXPECT_TRUE(co_await exchange->want(wanted, asked + 5s));
    EXPECT_EQ(world.timers().now(), asked);
    EXPECT_TRUE(co_await exchange->want(wanted, asked + 5s)) << "here already";
  });
  EXPECT_EQ(std::ranges::count(first->asked, wanted, &std::pair<ImageId, Priority>::first), 1);
  EXPECT_TRUE(knows(big));
  EXPECT_LE((statistics.signature_bytes + statistics.list_bytes).value(), 62'000u + 60'000u);
}

TEST_F(ExchangeTest, a_wanted_signature_that_nobody_has_is_told_soon) {
  run(1s, [&]() -> Awaitable<void> {
    const TimePoint begun = world.timers().now();
    EXPECT_FALSE(co_await exchange->want(ImageId{{9}}, begun + 5s));
    EXPECT_EQ(world.timers().now(), begun);
  });
}

TEST_F(ExchangeTest, lists_come_again_and_long_ones_rarely) {
  first->add("one", 1, 10);
  for (int i = 0; i < 200; ++i) {
    second->list.push_back(first->list.front());
    second->list.back().name = "name" + std::to_string(1000 + i);
  }
  options.per_minute = ByteCount(100'000);
  run(30min);
  EXPECT_GE(first->lists, 28u);
  EXPECT_LE(first->lists, 31u);
  // 18 KB a list, a tenth of the budget for lists: every 108 s.
  EXPECT_GE(second->lists, 14u);
  EXPECT_LE(second->lists, 18u);
}

TEST_F(ExchangeTest, an_image_that_comes_later_is_found_with_a_later_list) {
  ImageId later;
  run(2min, [&]() -> Awaitable<void> {
    co_await sleep_until(world.timers(), world.timers().now() + 90s);
    later = second->add("later", 3, 100);
  });
  EXPECT_TRUE(knows(later));
}

TEST_F(ExchangeTest, holdings_show_what_peers_list_also_when_they_have_gone) {
  first->add("deb12", 1, 100);
  second->add("deb13", 2, 100);
  run(1s, [&]() -> Awaitable<void> {
    co_await sleep_until(world.timers(), world.timers().now() + 1s);
    exchange->peer_down(second_id);
  });
  ASSERT_EQ(holdings.size(), 2u);
  EXPECT_EQ(holdings[0].address, "a:1");
  EXPECT_EQ(holdings[0].name, "first");
  EXPECT_TRUE(holdings[0].connected);
  EXPECT_EQ(holdings[0].images, first->list);
  EXPECT_FALSE(holdings[1].connected);
  EXPECT_EQ(holdings[1].images, second->list);
}

// --- Peers that are old, in trouble, or lie.

TEST_F(ExchangeTest, a_peer_that_knows_no_signatures_is_asked_once_and_still_listed) {
  const ImageId a = first->add("a", 1, 100);
  const ImageId b = first->add("b", 2, 100);
  first->failures = {{a, Errc::unsupported}, {b, Errc::unsupported}};
  run(10min);
  EXPECT_EQ(first->asked.size(), 1u);
  EXPECT_GT(first->lists, 5u);
  EXPECT_EQ(statistics.signature_bytes, ByteCount(0)) << "nothing was sent";
}

TEST_F(ExchangeTest, a_later_version_of_signatures_is_left_alone) {
  const ImageId a = first->add("a", 1, 100);
  first->add("b", 2, 100);
  first->failures = {{a, Errc::newer_state}};
  run(10min);
  EXPECT_EQ(first->asked.size(), 1u);
  EXPECT_FALSE(knows(a));
}

TEST_F(ExchangeTest, a_signature_that_cannot_be_is_refused_and_asked_of_another_peer) {
  const ImageId image = first->add("image", 1, 100);
  second->list = first->list;
  second->signatures = first->signatures;
  first->signatures[image] = made_signature(image, 101);  // more blocks than the image has
  run(10min);
  EXPECT_EQ(first->asked.size(), 1u);
  EXPECT_EQ(statistics.refused, 1u);
  EXPECT_EQ(store.signature(image, 1000), second->signatures[image]);
}

TEST_F(ExchangeTest, a_peer_of_many_lies_is_no_longer_asked) {
  for (std::uint8_t i = 0; i < 50; ++i) {
    const ImageId id = first->add("image" + std::to_string(100 + i), i, 100);
    first->failures[id] = Errc::peer_misbehaved;
  }
  run(10min);
  EXPECT_EQ(first->asked.size(), 8u);
  EXPECT_EQ(statistics.refused, 8u);
}

TEST_F(ExchangeTest, a_peer_that_has_no_signature_yet_is_asked_when_it_holds_more) {
  const ImageId image = first->add("image", 1, 100);
  first->failures[image] = Errc::not_resident;
  run(1min, [&]() -> Awaitable<void> {
    co_await sleep_until(world.timers(), world.timers().now() + 10min);
    EXPECT_EQ(first->asked.size(), 1u);
    first->list.front().available = BlockCount(50);
    first->failures.clear();
    co_await sleep_until(world.timers(), world.timers().now() + 2min);
    EXPECT_EQ(first->asked.size(), 2u);
  });
  EXPECT_TRUE(knows(image));
}

TEST_F(ExchangeTest, a_peer_that_fails_every_call_is_left_in_peace_between_lists) {
  first->add("image", 1, 100);
  first->failure = Errc::deadline_passed;
  run(10min);
  EXPECT_LE(first->lists, 11u);
  EXPECT_TRUE(first->asked.empty());
}

TEST_F(ExchangeTest, links_that_are_not_measured_are_probed_once_with_what_a_plan_can_use) {
  const ImageId common = first->add("common", 1, 9000);
  const ImageId small = second->add("small", 2, 100);
  const ImageId large = second->add("large", 3, 200);
  run(1s, [&]() -> Awaitable<void> {
    co_await sleep_until(world.timers(), world.timers().now() + 5min);
    first->asked.clear();
    second->asked.clear();
    const TimePoint deadline = world.timers().now() + 10s;
    co_await exchange->measure(common, deadline);
    co_await exchange->measure(common, deadline);
    EXPECT_LT(world.timers().now(), deadline);
  });
  ASSERT_EQ(first->asked.size(), 1u);
  EXPECT_EQ(first->asked[0], std::pair(common, Priority::readahead));
  ASSERT_EQ(second->asked.size(), 1u);
  EXPECT_EQ(second->asked[0].first, large) << "it lacks the image: " << to_hex(small);
  EXPECT_EQ(store.signature(common, 1u << 20)->keys.size(), 9000u) << "finer than before";
}

}  // namespace
}  // namespace weft::fetcher::testing
