// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/peer_session.h"
#include "indexer/similarity/signature_codec.h"
#include "tests/support/fetcher/liar.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

// Signatures and have queries: between honest nodes, with nodes that do not know them, and lies.
namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

Signature signature_of(ImageId image, std::size_t keys) {
  Signature made{.image = image, .unique_blocks = BlockCount(keys), .keys = {}};
  for (std::uint64_t i = 0; i < keys; ++i)
    made.keys.push_back((i << 45) + i * 7919);
  return made;
}

std::uint64_t key_of(MemoryImage& image, std::uint64_t block, unsigned bytes) {
  return digest_key(*image.block_digest(BlockIndex(block))) >> (64 - 8 * bytes);
}

TEST(PeerRedundancy, a_signature_comes_as_the_peers_store_has_it) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(400));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const ImageId id = image->info().id;
    const auto full = co_await session.signature(id, 1000, Priority::prefetch, pair.in(5s));
    EXPECT_TRUE(full && *full == *pair.store.signature(id, 1000));
    EXPECT_EQ(full->unique_blocks, BlockCount(300));
    const auto some = co_await session.signature(id, 20, Priority::prefetch, pair.in(5s));
    EXPECT_TRUE(some && *some == sampled(*full, 20));
    const auto none = co_await session.signature(ImageId{{1}}, 20, Priority::prefetch, pair.in(5s));
    EXPECT_TRUE(!none && none.error().is(Errc::unknown_image));
  });
}

TEST(PeerRedundancy, a_signature_larger_than_a_frame_comes_whole) {
  PeerPair pair;
  const Signature large = signature_of(ImageId{{5}}, 60'000);
  ASSERT_TRUE(pair.store.learn_signature(large));
  ASSERT_GT(encode_signature(large).size(), 2 * wire::max_signature_part);
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto got =
        co_await session.signature(large.image, 60'000, Priority::prefetch, pair.in(5s));
    EXPECT_TRUE(got && *got == large);
  });
}

TEST(PeerRedundancy, a_have_query_names_the_blocks_that_can_be_read_now) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(40));
  image->drop({BlockIndex(5), BlockCount(1)});
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    for (const unsigned bytes : {4u, 5u, 8u}) {
      const std::uint64_t here = key_of(*image, 1, bytes);
      const std::uint64_t dropped = key_of(*image, 5, bytes);
      std::vector<std::uint64_t> keys = {here, dropped, here + 1};
      std::ranges::sort(keys);
      const auto held = co_await session.have(keys, bytes, pair.in(5s));
      EXPECT_TRUE(held);
      for (std::size_t i = 0; held && i < keys.size(); ++i)
        EXPECT_EQ((*held)[i], keys[i] == here) << bytes;
    }
    const auto unsorted = co_await session.have({2, 1}, 5, pair.in(5s));
    EXPECT_TRUE(!unsorted && unsorted.error().is(Errc::bad_request));
    const auto too_short = co_await session.have({1}, 3, pair.in(5s));
    EXPECT_TRUE(!too_short && too_short.error().is(Errc::bad_request));
  });
}

TEST(PeerRedundancy, a_node_without_the_feature_is_never_asked_and_the_rest_works) {
  for (const bool server_is_old : {true, false}) {
    for (const bool await_hello : {true, false}) {
      PeerPair pair;
      (server_is_old ? pair.server_options.hello : pair.client_options.hello).features = 0;
      pair.client_options.await_hello = await_hello;
      const auto image = pair.store.add("deb12", mixed_content(4));
      pair.run([&](PeerSession& session) -> Awaitable<void> {
        const auto signature =
            co_await session.signature(image->info().id, 10, Priority::prefetch, pair.in(5s));
        EXPECT_TRUE(!signature && signature.error().is(Errc::unsupported));
        const auto held = co_await session.have({1}, 5, pair.in(5s));
        EXPECT_TRUE(!held && held.error().is(Errc::unsupported));
        EXPECT_EQ(session.stats().requests, 0u) << "something was sent";
        EXPECT_TRUE(co_await session.images(pair.in(5s)));
      });
      EXPECT_EQ(pair.server->stats().requests, 1u);
    }
  }
}

TEST(PeerRedundancy, a_question_before_the_greeting_waits_for_it) {
  PeerPair pair({.to_server = {.latency = 50ms}, .to_client = {.latency = 50ms}});
  pair.client_options.await_hello = false;
  const auto image = pair.store.add("deb12", mixed_content(4));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    EXPECT_TRUE(co_await session.signature(image->info().id, 10, Priority::readahead, pair.in(5s)));
  });
}

/// What a peer with this answer to the first question makes of `ask`, and of the session.
struct Answered {
  std::optional<Error> error;   // of the question
  std::optional<Error> closed;  // before the client closed it
};
using Ask = std::function<Awaitable<std::optional<Error>>(PeerSession&, TimePoint deadline)>;

Answered ask_liar(std::vector<wire::Message> frames, Ask ask) {
  Answered outcome;
  bool done = false;
  with_liar([&](const wire::Message&) { return frames; },
            [&](SimWorld& world, PeerSession& session) -> Awaitable<void> {
              session.on_closed([&](const Error& error) {
                if (!done) outcome.closed = error;
              });
              outcome.error = co_await ask(session, world.timers().now() + 5s);
              done = true;
            });
  return outcome;
}

constexpr ImageId asked{{3}};

Awaitable<std::optional<Error>> ask_signature(PeerSession& session, TimePoint deadline) {
  const auto got = co_await session.signature(asked, 100, Priority::prefetch, deadline);
  co_return got ? std::nullopt : std::optional(got.error());
}
Awaitable<std::optional<Error>> ask_have(PeerSession& session, TimePoint deadline) {
  const auto got = co_await session.have({1, 2, 3}, 5, deadline);
  co_return got ? std::nullopt : std::optional(got.error());
}

wire::SignatureAnswer part(std::vector<std::byte> bytes, bool more = false) {
  return {.more = more, .part = std::move(bytes)};
}

TEST(PeerRedundancy, a_false_signature_is_an_error_and_no_reason_to_part) {
  EXPECT_FALSE(ask_liar({part(encode_signature(signature_of(asked, 100)))}, ask_signature).error);
  auto damaged = encode_signature(signature_of(asked, 100));
  damaged[70] ^= std::byte{1};
  const std::vector<std::pair<const char*, std::vector<std::byte>>> lies = {
      {"of another image", encode_signature(signature_of(ImageId{{4}}, 100))},
      {"of more keys", encode_signature(signature_of(asked, 101))},
      {"damaged", damaged},
      {"one byte", {std::byte{0}}},
  };
  for (const auto& [what, bytes] : lies) {
    const Answered answered = ask_liar({part(bytes)}, ask_signature);
    ASSERT_TRUE(answered.error) << what;
    EXPECT_TRUE(answered.error->is(Errc::peer_misbehaved)) << what;
    EXPECT_FALSE(answered.closed) << what;
  }
}

TEST(PeerRedundancy, a_signature_of_a_later_version_is_told_from_a_false_one) {
  auto later = encode_signature(signature_of(asked, 100));
  later[8] = std::byte{2};
  const Answered answered = ask_liar({part(later)}, ask_signature);
  ASSERT_TRUE(answered.error);
  EXPECT_TRUE(answered.error->is(Errc::newer_state)) << answered.error->message();
  EXPECT_FALSE(answered.closed);
}

TEST(PeerRedundancy, an_answer_without_end_or_of_another_size_ends_the_session) {
  const std::vector<wire::Message> endless(100, part(std::vector<std::byte>(64), true));
  EXPECT_TRUE(ask_liar(endless, ask_signature).closed->is(Errc::peer_misbehaved));
  EXPECT_FALSE(ask_liar({wire::HaveAnswer{{true, false, true}}}, ask_have).error);
  EXPECT_TRUE(ask_liar({wire::HaveAnswer{{true, false}}}, ask_have).closed);
  EXPECT_TRUE(ask_liar({wire::TreeNodes{}}, ask_have).closed);
}

}  // namespace
}  // namespace weft::fetcher::testing
