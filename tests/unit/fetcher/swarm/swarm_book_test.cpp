// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm_book.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

class SwarmBookTest : public ::testing::Test {
 protected:
  static NodeId node(std::uint8_t n) {
    NodeId id;
    id.bytes[0] = n;
    return id;
  }
  wire::SwarmAnswer ask(std::uint8_t n, bool complete = false, std::uint8_t most = 32) {
    auto answer = book.asked({image, 7440, complete, most}, node(n), address(n), now);
    book.check_invariants();
    return answer;
  }
  static std::string address(std::uint8_t n) { return "10.0.0." + std::to_string(n) + ":7440"; }

  SwarmBook book{1, {.images = 2, .members = 8, .keep = 30s}};
  ImageId image{};
  TimePoint now{1h};
};

TEST_F(SwarmBookTest, members_get_slots_and_learn_of_each_other) {
  EXPECT_EQ(ask(1).members, 1U);
  const auto second = ask(2);
  EXPECT_EQ(second.members, 2U);
  EXPECT_EQ(second.slot, 1U);
  ASSERT_EQ(second.partners.size(), 1U);
  EXPECT_EQ(second.partners[0], (wire::SwarmPartner{node(1), address(1)}));
  EXPECT_EQ(ask(1).slot, 0U) << "asking again keeps the slot";
}

TEST_F(SwarmBookTest, last_member_takes_the_slot_of_one_that_leaves) {
  for (std::uint8_t n = 1; n <= 4; ++n)
    ask(n);
  book.left(node(2));
  EXPECT_EQ(ask(4).slot, 1U);
  EXPECT_EQ(ask(1).slot, 0U);
  EXPECT_EQ(ask(3).slot, 2U);
  EXPECT_EQ(book.size(image), 3U);
}

TEST_F(SwarmBookTest, member_that_does_not_ask_again_is_forgotten) {
  ask(1);
  now += 20s;
  ask(2);
  now += 20s;
  EXPECT_EQ(ask(2).members, 1U);
}

TEST_F(SwarmBookTest, complete_node_is_a_partner_without_a_share) {
  ask(1);
  ask(2);
  EXPECT_EQ(ask(1, true).members, 0U);
  const auto other = ask(2);
  EXPECT_EQ(other.members, 1U);
  ASSERT_EQ(other.partners.size(), 1U);
  EXPECT_EQ(other.partners[0].node, node(1));
}

TEST_F(SwarmBookTest, node_that_serves_nowhere_is_nobodys_partner) {
  (void)book.asked({image, 0, false, 8}, node(1), "", now);
  const auto other = ask(2);
  EXPECT_EQ(other.members, 2U);
  EXPECT_TRUE(other.partners.empty());
}

TEST_F(SwarmBookTest, only_a_node_that_never_fetched_the_image_is_its_origin) {
  EXPECT_TRUE(ask(1).origin);
  book.fetching(image);
  EXPECT_FALSE(ask(1).origin);
}

TEST_F(SwarmBookTest, partners_are_random_and_no_more_than_asked_for) {
  for (std::uint8_t n = 1; n <= 8; ++n)
    ask(n);
  std::set<NodeId> seen;
  for (int i = 0; i < 50; ++i) {
    const auto answer = ask(1, false, 2);
    ASSERT_EQ(answer.partners.size(), 2U);
    EXPECT_NE(answer.partners[0].node, answer.partners[1].node);
    for (const auto& partner : answer.partners)
      seen.insert(partner.node);
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_FALSE(seen.contains(node(1)));
}

TEST_F(SwarmBookTest, bounds_hold_against_many_members_and_images) {
  for (std::uint8_t n = 1; n <= 100; ++n)
    ask(n);
  EXPECT_EQ(book.size(image), 8U);
  for (std::uint8_t n = 1; n <= 100; ++n) {
    image.bytes[0] = n;
    ask(1);
  }
  EXPECT_EQ(ask(1).members, 0U) << "not remembered, and answered all the same";
}

}  // namespace
}  // namespace weft::fetcher
