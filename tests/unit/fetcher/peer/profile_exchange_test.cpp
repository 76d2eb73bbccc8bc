// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_codec.h"
#include "tests/support/fetcher/boots.h"
#include "tests/support/fetcher/liar.h"
#include "tests/support/fetcher/memory_profiles.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <chrono>

// Boot profiles: between honest nodes, with nodes that do not know them, and lies.
namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;

BootProfile long_boot(std::size_t entries, const ImageId& image) {
  BootProfile profile{.image = image, .boots = 1, .entries = {}};
  for (std::uint64_t i = 0; i < entries; ++i) {
    profile.entries.push_back({.key = i * 0x9e3779b97f4a7c15 + 1,
                               .block = BlockIndex(i * 3),
                               .at = std::chrono::milliseconds(i / 4),
                               .boots = 1});
  }
  return profile;
}

constexpr ImageId asked{{3}};
constexpr ImageId other{{4}};

wire::ProfileRequest request(bool relatives = false, std::uint32_t entries = 65536) {
  return {.image = asked, .relatives = relatives, .max_entries = entries};
}

TEST(PeerProfiles, a_profile_larger_than_a_frame_comes_whole) {
  PeerPair pair;
  MemoryProfiles profiles;
  const BootProfile boot = long_boot(40'000, asked);
  ASSERT_GT(encode_profile(boot).size(), 2 * wire::max_profile_part);
  ASSERT_TRUE(profiles.record(boot));
  pair.profiles = &profiles;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto whole = co_await session.profile(request(), pair.in(5s));
    EXPECT_TRUE(whole && *whole == boot);
    const auto part = co_await session.profile(request(false, 10), pair.in(5s));
    EXPECT_TRUE(part && part->entries.size() == 10u);
    EXPECT_EQ(part->entries.back().key, boot.entries[9].key) << "what is needed first";
  });
}

TEST(PeerProfiles, a_relatives_profile_comes_only_if_it_is_asked_for) {
  PeerPair pair;
  MemoryProfiles profiles;
  profiles.of_relatives = long_boot(10, other);
  pair.profiles = &profiles;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto own = co_await session.profile(request(), pair.in(5s));
    EXPECT_TRUE(!own && own.error().is(Errc::not_resident));
    const auto relative = co_await session.profile(request(true), pair.in(5s));
    EXPECT_TRUE(relative && relative->image == other);
  });
}

TEST(PeerProfiles, a_node_without_them_is_not_asked) {
  PeerPair pair;
  pair.server_options.hello.features &= ~wire::feature_profiles;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto refused = co_await session.profile(request(), pair.in(5s));
    EXPECT_TRUE(!refused && refused.error().is(Errc::unsupported));
    EXPECT_EQ(session.stats().requests, 0u);
  });
}

std::optional<Error> ask_liar(std::vector<std::byte> bytes, bool relatives = false,
                              std::uint32_t entries = 65536) {
  std::optional<Error> outcome;
  with_liar(
      [&](const wire::Message&) -> std::vector<wire::Message> {
        return {wire::ProfileAnswer{.more = false, .part = bytes}};
      },
      [&](SimWorld& world, PeerSession& session) -> Awaitable<void> {
        const TimePoint deadline = world.timers().now() + 5s;
        const auto got = co_await session.profile(request(relatives, entries), deadline);
        if (!got) outcome = got.error();
      });
  return outcome;
}

TEST(PeerProfiles, a_false_profile_is_refused) {
  const auto good = encode_profile(long_boot(10, asked));
  EXPECT_FALSE(ask_liar(good));
  auto damaged = good;
  damaged[70] ^= std::byte{1};
  EXPECT_TRUE(ask_liar(damaged)->is(Errc::peer_misbehaved));
  const auto foreign = encode_profile(long_boot(10, other));
  EXPECT_TRUE(ask_liar(foreign)->is(Errc::peer_misbehaved));
  EXPECT_FALSE(ask_liar(foreign, true));
  EXPECT_TRUE(ask_liar(good, false, 9)->is(Errc::peer_misbehaved)) << "more than asked for";
  auto later = good;
  later[8] = std::byte{2};
  EXPECT_TRUE(ask_liar(later)->is(Errc::newer_state));
}

}  // namespace
}  // namespace weft::fetcher::testing
