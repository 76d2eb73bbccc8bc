// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/connect.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

void expect_content(const MemoryImage& image, const Collected& collected) {
  for (const auto& [block, bytes] : collected.blocks) {
    EXPECT_TRUE(std::ranges::equal(bytes, image.block(block))) << block.value();
  }
}

TEST(PeerSession, greets_and_lists_the_images_of_the_peer) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(40));
  image->drop(range(1, 2));
  pair.store.add("deb13", mixed_content(8, 2));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    EXPECT_EQ(session.remote().name, "server");
    const auto images = co_await session.images(pair.in(5s));
    EXPECT_TRUE(images);
    EXPECT_EQ(images->size(), 2u);
    EXPECT_EQ(images->front(), (wire::ImageSummary{.name = "deb12",
                                                   .info = image->info(),
                                                   .available = BlockCount(38),
                                                   .complete = false}));
    EXPECT_TRUE(images->back().complete);
  });
}

TEST(PeerSession, finds_an_image_with_the_path_to_the_first_read) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(1000));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto found = co_await session.find_image("deb12", BlockIndex(700), pair.in(5s));
    EXPECT_TRUE(found);
    EXPECT_EQ(found->image.info, image->info());
    const auto path = image->shape().path_to(BlockIndex(700));
    EXPECT_EQ(found->path.nodes.size(), path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
      EXPECT_EQ(found->path.nodes[i].node, path[i]);
      EXPECT_EQ(found->path.nodes[i].bytes, image->nodes().at(path[i]));
    }
    const auto by_id = co_await session.find_image(to_hex(image->info().id), {}, pair.in(5s));
    EXPECT_TRUE(by_id);
    const auto none = co_await session.find_image("deb99", {}, pair.in(5s));
    EXPECT_TRUE(!none && none.error().is(Errc::unknown_image));
  });
}

TEST(PeerSession, blocks_arrive_with_zero_and_absent_ones_named) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(400));
  image->drop(range(100, 50));
  Collected all;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(200, 200), range(0, 200)}, Priority::demand,
                   all.handler(pair.world.timers()));
    co_await pair.ended(all);
  });
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.ends, 1u);
  EXPECT_EQ(all.zero.size(), 100u);
  EXPECT_EQ(all.absent.size(), 37u);  // of 50, 13 are zero and known to be
  EXPECT_EQ(all.blocks.size(), 400u - 100 - 37);
  EXPECT_EQ(all.batches, (400u - 100 - 37 + 31) / 32);
  expect_content(*image, all);
}

TEST(PeerSession, blocks_by_digest_come_from_whatever_image_has_them) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(16));
  Collected all;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    std::vector<Digest> digests = {*image->block_digest(BlockIndex(6)), Digest{}, Digest{{9}},
                                   *image->block_digest(BlockIndex(1))};
    session.blocks_by_digest(std::move(digests), Priority::demand,
                             all.handler(pair.world.timers()));
    co_await pair.ended(all);
  });
  EXPECT_TRUE(std::ranges::equal(all.blocks.at(BlockIndex(0)), image->block(BlockIndex(6))));
  EXPECT_TRUE(std::ranges::equal(all.blocks.at(BlockIndex(3)), image->block(BlockIndex(1))));
  EXPECT_EQ(all.zero, std::vector{BlockIndex(1)});
  EXPECT_EQ(all.absent, std::vector{BlockIndex(2)});
}

TEST(PeerSession, a_block_that_fails_its_check_at_the_peer_is_absent) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(32));
  image->damage(BlockIndex(5));
  Collected all;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(0, 32)}, Priority::demand,
                   all.handler(pair.world.timers()));
    co_await pair.ended(all);
  });
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.absent, std::vector{BlockIndex(5)});
  EXPECT_EQ(all.blocks.size(), 23u);
  expect_content(*image, all);
}

TEST(PeerSession, tree_nodes_come_whole_over_several_frames_without_those_the_peer_lacks) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(128 * 100));
  image->drop_node({1, 50});
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    std::vector<TreeNode> asked;
    for (std::uint64_t i = 0; i < 100; ++i)
      asked.push_back({1, i});
    const auto answer = co_await session.tree_nodes(image->info().id, std::move(asked),
                                                    Priority::demand, pair.in(5s));
    EXPECT_TRUE(answer);
    EXPECT_EQ(answer->nodes.size(), 99u);
    for (const auto& entry : answer->nodes) {
      EXPECT_EQ(entry.bytes, image->nodes().at(entry.node));
    }
    const auto wrong =
        co_await session.tree_nodes(image->info().id, {{1, 100}}, Priority::demand, pair.in(5s));
    EXPECT_TRUE(!wrong && wrong.error().is(Errc::bad_request));
  });
}

TEST(PeerSession, connect_and_first_answer_take_two_round_trips) {
  PeerPair pair({.to_server = {.latency = 50ms}, .to_client = {.latency = 50ms}});
  pair.client_options.await_hello = false;
  pair.store.add("deb12", mixed_content(16));
  TimePoint answered{};
  const TimePoint begun = pair.world.timers().now();
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto found = co_await session.find_image("deb12", BlockIndex(0), pair.in(5s));
    EXPECT_TRUE(found);
    EXPECT_EQ(session.remote().name, "server");
    answered = pair.world.timers().now();
    EXPECT_EQ(session.link().round_trip, 100ms);
  });
  EXPECT_EQ(answered - begun, 200ms);
}

// 10 Mbit/s: 32 blocks that do not compress much take a good part of 100 ms.
const LinkFaults thin{.latency = 10ms, .bytes_per_second = 1'250'000, .buffer = 16 * 1024};

TEST(PeerSession, demand_overtakes_prefetch_at_the_next_frame) {
  PeerPair pair({.to_server = {.latency = 10ms}, .to_client = thin});
  const auto image = pair.store.add("deb12", mixed_content(4096));
  Collected prefetch;
  Collected demand;
  std::size_t before = 0;
  std::size_t during = 0;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(0, 4000)}, Priority::prefetch,
                   prefetch.handler(pair.world.timers()));
    co_await sleep_until(pair.world.timers(), pair.in(500ms));
    before = prefetch.batches;
    EXPECT_GT(before, 0u);
    session.blocks(image->info().id, {range(4001, 1)}, Priority::demand,
                   demand.handler(pair.world.timers()));
    co_await pair.ended(demand);
    during = prefetch.batches - before;
    EXPECT_EQ(prefetch.ends, 0u);
    co_await pair.ended(prefetch);
  });
  // The frame being written, and what the link's buffer already held.
  EXPECT_LE(during, 2u);
  EXPECT_EQ(demand.blocks.size(), 1u);
  EXPECT_EQ(prefetch.blocks.size(), 3000u);
  EXPECT_EQ(pair.server->stats().blocks_sent, 3001u);
}

TEST(PeerSession, a_joined_prefetch_is_sent_with_the_priority_of_its_reader) {
  PeerPair pair({.to_server = {.latency = 10ms}, .to_client = thin});
  const auto image = pair.store.add("deb12", mixed_content(4096));
  Collected first;
  Collected second;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(0, 4000)}, Priority::prefetch,
                   first.handler(pair.world.timers()));
    const RequestId joined = session.blocks(image->info().id, {range(4000, 8)}, Priority::prefetch,
                                            second.handler(pair.world.timers()));
    co_await sleep_until(pair.world.timers(), pair.in(300ms));
    EXPECT_EQ(second.batches, 0u);
    session.reprioritise(joined, Priority::demand);
    co_await pair.ended(second);
    EXPECT_EQ(first.ends, 0u);
    EXPECT_LT(first.batches, 20u);
  });
  EXPECT_EQ(second.blocks.size(), 6u);
  EXPECT_TRUE(first.error && first.error->is(Errc::cancelled));  // by the end of the session
}

TEST(PeerSession, cancel_ends_the_request_at_once_and_stops_the_sender) {
  PeerPair pair({.to_server = {.latency = 10ms}, .to_client = thin});
  const auto image = pair.store.add("deb12", mixed_content(4096));
  Collected cancelled;
  Collected next;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const RequestId id = session.blocks(image->info().id, {range(0, 4096)}, Priority::prefetch,
                                        cancelled.handler(pair.world.timers()));
    co_await sleep_until(pair.world.timers(), pair.in(400ms));
    session.cancel(id);
    EXPECT_EQ(cancelled.ends, 1u);
    EXPECT_TRUE(cancelled.error->is(Errc::cancelled));
    session.cancel(id);
    session.blocks(image->info().id, {range(1, 1)}, Priority::prefetch,
                   next.handler(pair.world.timers()));
    co_await pair.ended(next);
    co_await sleep_until(pair.world.timers(), pair.in(5s));
  });
  EXPECT_EQ(next.blocks.size(), 1u);
  EXPECT_LT(pair.server->stats().blocks_sent, 600u);
}

TEST(PeerSession, a_thousand_requests_in_flight_are_each_answered_once) {
  PeerPair pair({.to_server = {.latency = 40ms}, .to_client = {.latency = 40ms}});
  const auto image = pair.store.add("deb12", mixed_content(4096));
  std::vector<Collected> all(1000);
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    for (std::size_t i = 0; i < all.size(); ++i) {
      session.blocks(image->info().id, {range(4 * i, 4)},
                     i % 2 == 0 ? Priority::demand : Priority::prefetch,
                     all[i].handler(pair.world.timers()));
    }
    for (const Collected& one : all)
      co_await pair.ended(one);
    EXPECT_EQ(session.stats().requests, 1000u);
  });
  for (const Collected& one : all) {
    EXPECT_EQ(one.ends, 1u);
    EXPECT_EQ(one.blocks.size(), 3u);
    EXPECT_EQ(one.zero.size(), 1u);
    expect_content(*image, one);
  }
}

TEST(PeerSession, more_requests_than_the_bound_are_refused_through_their_handler) {
  PeerPair pair;
  pair.client_options.max_outstanding = 3;
  const auto image = pair.store.add("deb12", mixed_content(16));
  std::vector<Collected> all(4);
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    for (Collected& one : all) {
      session.blocks(image->info().id, {range(0, 4)}, Priority::demand,
                     one.handler(pair.world.timers()));
      EXPECT_EQ(one.ends, 0u) << "called before the id was known";
    }
    for (const Collected& one : all)
      co_await pair.ended(one);
  });
  EXPECT_TRUE(all[3].error->is(Errc::queue_full));
  EXPECT_FALSE(all[2].error);
}

TEST(PeerSession, requests_out_of_bounds_never_leave) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(16));
  Collected twice;
  Collected many;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(0, 4), range(3, 2)}, Priority::demand,
                   twice.handler(pair.world.timers()));
    session.blocks(image->info().id, {range(0, 4097)}, Priority::demand,
                   many.handler(pair.world.timers()));
    co_await pair.ended(twice);
    co_await pair.ended(many);
    EXPECT_EQ(session.stats().requests, 0u);
  });
  EXPECT_TRUE(twice.error->is(Errc::bad_request));
  EXPECT_TRUE(many.error->is(Errc::bad_request));
}

}  // namespace
}  // namespace weft::fetcher::testing
