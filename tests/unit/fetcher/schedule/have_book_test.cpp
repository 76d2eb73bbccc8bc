// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/have_book.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::fetcher {
namespace {

using testing::blocks;
using testing::picture;

constexpr PeerId a{1};
constexpr PeerId b{2};
constexpr TimePoint t0{std::chrono::hours(1)};
constexpr Duration second = std::chrono::seconds(1);

std::string unasked(const HaveBook& book, PeerId peer) {
  return picture(book.unasked(peer, blocks(0, 8)), 8);
}

TEST(HaveBook, a_block_is_asked_about_once_at_each_peer) {
  HaveBook book;
  book.asked(a, {blocks(2, 3)});
  EXPECT_EQ(unasked(book, a), "##...###");
  EXPECT_EQ(unasked(book, b), "########");
  EXPECT_EQ(book.in_flight(a), 1U);
  book.answered(a, BlockCount(3), BlockCount(0));
  EXPECT_EQ(unasked(book, a), "##...###");
  EXPECT_EQ(book.in_flight(a), 0U);
}

TEST(HaveBook, what_has_landed_is_forgotten) {
  HaveBook book;
  book.asked(a, {blocks(0, 8)});
  book.landed(blocks(1, 2));
  EXPECT_EQ(unasked(book, a), ".##.....") << "a block lost later is asked about again";
}

TEST(HaveBook, peers_are_asked_again_after_a_pause_that_doubles) {
  HaveBook book;
  book.asked(a, {blocks(0, 8)});
  book.answered(a, BlockCount(8), BlockCount(0));
  book.expire(t0);
  book.expire(t0 + 4 * second);
  EXPECT_EQ(unasked(book, a), "........");
  book.expire(t0 + 5 * second);
  EXPECT_EQ(unasked(book, a), "########");
  book.asked(a, {blocks(0, 8)});
  book.answered(a, BlockCount(8), BlockCount(0));
  book.expire(t0 + 6 * second);
  book.expire(t0 + 15 * second);
  EXPECT_EQ(unasked(book, a), "........");
  book.expire(t0 + 16 * second);
  EXPECT_EQ(unasked(book, a), "########");
}

TEST(HaveBook, a_query_that_failed_is_repeated_after_a_pause) {
  HaveBook book;
  book.asked(a, {blocks(0, 8)});
  EXPECT_TRUE(book.may_ask(a, t0));
  book.failed(a, {blocks(0, 8)}, t0);
  EXPECT_EQ(unasked(book, a), "########");
  EXPECT_FALSE(book.may_ask(a, t0 + 4 * second));
  EXPECT_TRUE(book.may_ask(a, t0 + 5 * second));
}

TEST(HaveBook, the_share_follows_the_answers) {
  HaveBook book;
  EXPECT_FALSE(book.share(a));
  book.asked(a, {blocks(0, 8)});
  book.answered(a, BlockCount(8), BlockCount(8));
  EXPECT_DOUBLE_EQ(*book.share(a), 1.0);
  book.asked(a, {blocks(8, 8)});
  book.answered(a, BlockCount(8), BlockCount(0));
  EXPECT_DOUBLE_EQ(*book.share(a), 0.5);
}

TEST(HaveTrust, a_few_broken_promises_are_forgiven_and_many_are_not) {
  HaveTrust trust;
  trust.broken(BlockCount(32));
  EXPECT_TRUE(trust.believed());
  trust.broken(BlockCount(1));
  EXPECT_FALSE(trust.believed());
  trust.kept(BlockCount(16));
  EXPECT_TRUE(trust.believed()) << "the more it kept, the more is forgiven";
  EXPECT_EQ(trust.false_haves(), 33U);
}

TEST(WorthAsking, only_a_faster_link_and_only_when_it_saves_more_than_the_keys_cost) {
  const HaveLink slow{2.5e6, 2000};
  const HaveLink fast{100e6, 2000};
  EXPECT_TRUE(worth_asking(fast, saved_by_faster(fast, slow), 1));
  EXPECT_FALSE(worth_asking(slow, saved_by_faster(slow, fast), 1));
  EXPECT_FALSE(worth_asking(slow, saved_by_faster(slow, slow), 1));
  // 5.125 bytes at 100 MB/s against 2000 bytes at 2.5 MB/s less 2000 at 100: 1 in 15 000.
  EXPECT_TRUE(worth_asking(fast, saved_by_faster(fast, slow), 1e-4));
  EXPECT_FALSE(worth_asking(fast, saved_by_faster(fast, slow), 5e-5));
}

}  // namespace
}  // namespace weft::fetcher
