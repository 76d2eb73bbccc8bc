// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/holders.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::fetcher {
namespace {

using testing::blocks;
using testing::picture;
using testing::ranges;

constexpr PeerId a{1};
constexpr PeerId b{2};
constexpr PeerId c{3};
constexpr TimePoint t0{};
constexpr Duration second = std::chrono::seconds(1);

std::string held(const Holders& holders, PeerId peer) {
  return picture(holders.held(peer, blocks(0, 8)), 8);
}

TEST(Holders, who_was_only_asked_holds_nothing) {
  Holders h;
  h.asked(a);
  EXPECT_EQ(held(h, a), "........");
  EXPECT_TRUE(h.any_asked());
  h.empty(a);
  EXPECT_FALSE(h.any_asked());
  EXPECT_TRUE(h.is_empty(a));
}

TEST(Holders, partial_holder_grows_and_shrinks_by_announcements) {
  Holders h;
  h.partial(a, ranges("##...##."), {});
  EXPECT_EQ(held(h, a), "##...##.");
  h.partial(a, ranges("..#....."), ranges(".....#.."));
  EXPECT_EQ(held(h, a), "###...#.");
  h.complete(a);
  EXPECT_EQ(held(h, a), "########");
  h.partial(a, {}, ranges("...#...."));
  EXPECT_EQ(held(h, a), "###.####") << "a complete holder that lost a block";
}

TEST(Holders, absent_blocks_are_not_asked_for_until_the_time_is_over) {
  Holders h;
  h.complete(a);
  h.absent(a, blocks(2, 3), t0 + second);
  EXPECT_EQ(held(h, a), "##...###");
  EXPECT_FALSE(h.holds(a, BlockIndex(3)));
  EXPECT_FALSE(h.expire(t0));
  EXPECT_TRUE(h.expire(t0 + second));
  EXPECT_EQ(held(h, a), "########");
}

TEST(Holders, announcing_absent_blocks_makes_them_present) {
  Holders h;
  h.partial(a, ranges("####...."), {});
  h.absent(a, blocks(0, 4), t0 + second);
  h.partial(a, ranges(".#......"), {});
  EXPECT_EQ(held(h, a), ".#......");
}

TEST(Holders, a_ban_outlives_the_connection) {
  Holders h;
  h.complete(a);
  EXPECT_TRUE(h.ban(a));
  EXPECT_FALSE(h.ban(a));
  h.disconnected(a);
  h.complete(a);
  EXPECT_EQ(held(h, a), "........");
  EXPECT_TRUE(h.with_image().empty());
}

TEST(Holders, disconnected_peer_holds_nothing) {
  Holders h;
  h.complete(a);
  h.disconnected(a);
  EXPECT_EQ(held(h, a), "........");
}

TEST(Holders, what_a_peer_has_in_other_images_is_held_by_digest) {
  Holders h;
  h.empty(a);
  h.has_by_digest(a, blocks(2, 3));
  EXPECT_EQ(held(h, a), "..###...");
  EXPECT_TRUE(h.held_in_image(a, blocks(0, 8)).empty());
  EXPECT_TRUE(h.with_image().empty());
  EXPECT_EQ(h.with_blocks(), std::vector{a});
  h.lacks_by_digest(a, blocks(3, 1));
  h.landed(blocks(2, 1));
  EXPECT_EQ(held(h, a), "....#...");
  h.forget_by_digest(a);
  EXPECT_TRUE(h.with_blocks().empty());
}

TEST(Holders, a_partial_holder_may_have_more_by_digest) {
  Holders h;
  h.partial(a, ranges("##......"), {});
  h.has_by_digest(a, blocks(1, 3));
  EXPECT_EQ(held(h, a), "####....");
  EXPECT_EQ(picture(h.held_in_image(a, blocks(0, 8)), 8), "##......");
  h.ban(a);
  EXPECT_EQ(held(h, a), "........");
}

TEST(Holders, runs_have_equal_holder_sets_and_cover_the_range) {
  Holders h;
  h.partial(a, ranges("####...."), {});
  h.partial(b, ranges("..####.."), {});
  h.partial(c, ranges("......#."), {});
  std::string text;
  for (const Holders::Run& run : h.runs(blocks(0, 8))) {
    text += std::to_string(run.range.count.value()) + ":";
    for (const PeerId peer : run.peers)
      text += "abc"[static_cast<std::size_t>(peer) - 1];
    text += " ";
  }
  EXPECT_EQ(text, "2:a 2:ab 2:b 1:c 1: ");
}

}  // namespace
}  // namespace weft::fetcher
