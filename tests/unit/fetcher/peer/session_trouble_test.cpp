// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/connect.h"
#include "fetcher/wire/codec.h"
#include "tests/support/fetcher/liar.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

// A session whose peer or link is in trouble, or lies.
namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

struct Outcome {
  Collected blocks;
  std::optional<Error> closed;
  Duration took{};
};

/// Asks for 256 blocks over a link with `faults`, and waits until the session has ended or the
/// blocks have.
Outcome fetch(ConnectionFaults faults) {
  Outcome outcome;
  PeerPair pair(std::move(faults));
  pair.client_options.await_hello = false;
  const auto image = pair.store.add("deb12", mixed_content(256));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const TimePoint begun = pair.world.timers().now();
    session.on_closed([&](const Error& error) {
      EXPECT_FALSE(outcome.closed) << "closed twice";
      EXPECT_EQ(outcome.blocks.ends, 1u) << "requests are ended before";
      outcome.closed = error;
    });
    session.blocks(image->info().id, {range(0, 256)}, Priority::demand,
                   outcome.blocks.handler(pair.world.timers()));
    co_await pair.ended(outcome.blocks);
    outcome.took = pair.world.timers().now() - begun;
  });
  return outcome;
}

// Positions in what the server sends: in its hello, at frame edges, in headers, ranges and content.
std::vector<std::uint64_t> positions() {
  const std::uint64_t hello_size = wire::encode(hello("server"), 0, Priority::control).size();
  std::vector<std::uint64_t> at = {0, 1, 15, 16, 20, hello_size - 1, hello_size};
  for (const std::uint64_t into :
       {1u, 3u, 4u, 6u, 7u, 8u, 12u, 16u, 17u, 20u, 27u, 40u, 100u, 5000u, 40000u}) {
    at.push_back(hello_size + into);
  }
  return at;
}

TEST(PeerSessionTrouble, a_connection_cut_at_any_byte_ends_each_request_once) {
  for (const std::uint64_t at : positions()) {
    for (const bool reset : {false, true}) {
      LinkFaults cut;
      (reset ? cut.reset_after : cut.end_after) = at;
      const Outcome outcome = fetch({.to_client = cut});
      ASSERT_TRUE(outcome.blocks.error) << at;
      EXPECT_TRUE(outcome.blocks.error->is(Errc::peer_unreachable)) << at;
      ASSERT_TRUE(outcome.closed) << at;
    }
  }
}

TEST(PeerSessionTrouble, a_byte_damaged_anywhere_is_never_taken_for_data) {
  for (const std::uint64_t at : positions()) {
    const Outcome outcome = fetch({.to_client = {.corrupt = {at}}});
    ASSERT_TRUE(outcome.blocks.error) << at;
    EXPECT_FALSE(outcome.blocks.error->is(Errc::cancelled)) << at;
  }
}

TEST(PeerSessionTrouble, answers_split_at_every_byte_are_put_together) {
  const Outcome outcome = fetch({.to_server = {.max_read = 1}, .to_client = {.max_read = 1}});
  EXPECT_FALSE(outcome.blocks.error);
  EXPECT_EQ(outcome.blocks.blocks.size(), 192u);
}

TEST(PeerSessionTrouble, a_silent_peer_is_given_up_after_its_time) {
  const Outcome outcome = fetch({.to_client = {.stall_after = 30'000}});
  ASSERT_TRUE(outcome.closed);
  EXPECT_TRUE(outcome.closed->is(Errc::peer_unreachable));
  EXPECT_GE(outcome.took, PeerOptions{}.dead_after);
  EXPECT_LE(outcome.took, PeerOptions{}.dead_after + 1s);
}

TEST(PeerSessionTrouble, an_idle_connection_is_kept_by_pings) {
  PeerPair pair({.to_server = {.latency = 30ms}, .to_client = {.latency = 30ms}});
  bool closed = false;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.on_closed([&](const Error&) { closed = true; });
    co_await sleep_until(pair.world.timers(), pair.in(10min));
    EXPECT_FALSE(closed);
    EXPECT_EQ(session.link().round_trip, 60ms);
    EXPECT_TRUE(co_await session.images(pair.in(1s)));
  });
  EXPECT_TRUE(closed);
}

TEST(PeerSessionTrouble, a_closed_session_fails_every_call) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(16));
  Collected late;
  std::size_t told = 0;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.close();
    session.blocks(image->info().id, {range(0, 4)}, Priority::demand,
                   late.handler(pair.world.timers()));
    EXPECT_EQ(late.ends, 0u);
    co_await pair.ended(late);
    const auto images = co_await session.images(pair.in(1s));
    EXPECT_TRUE(!images && images.error().is(Errc::peer_unreachable));
    session.on_closed([&](const Error&) { ++told; });
    co_await sleep_until(pair.world.timers(), pair.in(1s));
  });
  EXPECT_TRUE(late.error->is(Errc::peer_unreachable));
  EXPECT_EQ(told, 1u);
}

TEST(PeerSessionTrouble, handlers_may_close_the_session) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(256));
  std::size_t ends = 0;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      session.blocks(image->info().id, {range(0, 256)}, Priority::demand,
                     [&](Result<wire::BlockBatch> batch, bool) {
                       if (batch) {
                         session.close();
                       } else {
                         ++ends;
                       }
                     });
    }
    co_await sleep_until(pair.world.timers(), pair.in(1s));
  });
  EXPECT_EQ(ends, 3u);
}

TEST(PeerSessionTrouble, a_control_call_ends_at_its_deadline_and_its_late_answer_is_ignored) {
  PeerPair pair({.to_server = {.latency = 100ms}, .to_client = {.latency = 100ms}});
  pair.store.add("deb12", mixed_content(16));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto late = co_await session.images(pair.in(150ms));
    EXPECT_TRUE(!late && late.error().is(Errc::deadline_passed));
    co_await sleep_until(pair.world.timers(), pair.in(1s));
    EXPECT_TRUE(co_await session.images(pair.in(1s)));
  });
}

/// Why a session ends whose peer gives these frames for an answer to a blocks request.
Error lied_to(std::vector<wire::Message> frames) {
  std::optional<Error> closed;
  with_liar([&](const wire::Message&) { return frames; },
            [&](SimWorld& world, PeerSession& session) -> Awaitable<void> {
              Collected blocks;
              session.on_closed([&](const Error& error) { closed = error; });
              session.blocks(ImageId{{1}}, {range(10, 4), range(20, 4)}, Priority::demand,
                             blocks.handler(world.timers()));
              co_await sleep_until(world.timers(), world.timers().now() + 5s);
              session.close();
              EXPECT_EQ(blocks.ends, 1u);
            });
  return closed.value_or(Error{});
}

wire::BlockBatch zeros(std::vector<BlockRange> ranges, bool last) {
  wire::BlockBatch batch;
  batch.zero = std::move(ranges);
  batch.last = last;
  return batch;
}

TEST(PeerSessionTrouble, an_answer_that_is_not_what_was_asked_for_ends_the_session) {
  EXPECT_TRUE(lied_to({zeros({range(10, 4), range(20, 4)}, true)}).is(Errc::cancelled)) << "no lie";
  const std::vector<std::vector<wire::Message>> lies = {
      {zeros({range(9, 1)}, false)},                                 // not asked for
      {zeros({range(10, 5)}, false)},                                // more than asked for
      {zeros({range(10, 4)}, false), zeros({range(13, 1)}, false)},  // twice
      {zeros({range(10, 4)}, true)},                                 // not all
      {wire::TreeNodes{}},                                           // something else
      {wire::ImageListRequest{}},                                    // a request
      {hello("again")},
      {zeros({range(10, 4), range(20, 4)}, true), zeros({}, true)},  // after the end
  };
  for (std::size_t i = 0; i < lies.size(); ++i) {
    const Error error = lied_to(lies[i]);
    EXPECT_TRUE(error.is(Errc::peer_misbehaved)) << i << error.message();
  }
}

TEST(PeerSessionTrouble, a_peer_of_another_version_is_reported_as_such) {
  for (const bool server_is_newer : {true, false}) {
    PeerPair pair;
    auto& newer = server_is_newer ? pair.server_options.hello : pair.client_options.hello;
    newer.version_min = newer.version_max = 7;
    pair.run_server([&]() -> Awaitable<void> {
      const auto session =
          co_await connect_peer(pair.context(), pair.address, pair.client_options, pair.in(5s));
      EXPECT_FALSE(session);
      if (!session) {
        EXPECT_TRUE(session.error().is(Errc::peer_version)) << session.error().message();
      }
    });
  }
}

TEST(PeerSessionTrouble, what_listens_but_does_not_answer_fails_at_the_deadline) {
  SimWorld world;
  const Address address{.host = "mute", .port = 1};
  const auto listener = world.network().listen(address);
  world.run([&]() -> Awaitable<void> {
    PeerContext context{world.network(), world.timers(), world.tasks()};
    PeerOptions options{.hello = hello("client")};
    const auto session =
        co_await connect_peer(context, address, options, world.timers().now() + 3s);
    EXPECT_TRUE(!session && session.error().is(Errc::deadline_passed));
    co_await world.tasks().stop();
  });
}

}  // namespace
}  // namespace weft::fetcher::testing
