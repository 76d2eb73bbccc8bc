// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/twins.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string_view>

namespace weft::fetcher {
namespace {

using testing::blocks;
using testing::picture;

class TwinsTest : public ::testing::Test {
 protected:
  TwinsTest() { other.bytes[0] = 2; }

  /// One letter for each block: equal letters are twins.
  std::string claim(const ImageId& of, std::string_view letters, std::uint64_t first = 0) {
    std::vector<Twins::Keyed> keyed;
    for (std::size_t i = 0; i < letters.size(); ++i)
      keyed.push_back({BlockIndex(first + i), static_cast<std::uint64_t>(letters[i]) * 7919});
    const auto fetch = twins.claim(of, keyed, look);
    for (const BlockRange& range : fetch) {
      for (BlockIndex b = range.first; b < range.end(); ++b)
        states[{of, b}] = Twins::State::on_its_way;
    }
    return picture(fetch, first + letters.size()).substr(first);
  }
  void land(const ImageId& of, BlockRange range) {
    for (BlockIndex b = range.first; b < range.end(); ++b)
      states[{of, b}] = Twins::State::here;
    twins.landed(of, std::vector{range});
  }
  std::vector<std::uint64_t> ready(const ImageId& of) {
    std::vector<std::uint64_t> to;
    for (const Twins::Copy& copy : twins.take_ready(of, 100))
      to.push_back(copy.to.value());
    return to;
  }

  const ImageId image{};
  ImageId other{};
  Twins twins;
  std::map<std::pair<ImageId, BlockIndex>, Twins::State> states;
  const Twins::Look look = [this](const Twins::Place& place, BlockIndex) {
    const auto it = states.find({place.image, place.block});
    return it == states.end() ? Twins::State::gone : it->second;
  };
};

TEST_F(TwinsTest, of_equal_blocks_the_first_is_fetched) {
  EXPECT_EQ(claim(image, "abcabd"), "###..#");
  EXPECT_EQ(twins.pending(image), BlockCount(2));
  EXPECT_TRUE(ready(image).empty());
}

TEST_F(TwinsTest, twins_are_ready_when_the_first_has_landed) {
  claim(image, "abaa");
  land(image, blocks(1, 1));
  EXPECT_EQ(twins.ready(image), 0U);
  land(image, blocks(0, 1));
  EXPECT_EQ(twins.ready(image), 2U);
  const auto copies = twins.take_ready(image, 100);
  ASSERT_EQ(copies.size(), 2U);
  EXPECT_EQ(copies[0].to, BlockIndex(2));
  EXPECT_EQ(copies[1].from, (Twins::Place{image, BlockIndex(0)}));
  EXPECT_EQ(twins.pending(image), BlockCount(0));
}

TEST_F(TwinsTest, a_twin_of_what_is_here_already_is_ready_at_once) {
  claim(image, "ab");
  land(image, blocks(0, 2));
  EXPECT_EQ(claim(image, "ca", 10), "#.");
  EXPECT_EQ(ready(image), std::vector<std::uint64_t>{11});
}

TEST_F(TwinsTest, a_twin_of_what_will_not_come_is_fetched_itself) {
  claim(image, "ab");
  states.clear();
  EXPECT_EQ(claim(image, "a", 10), "#");
  EXPECT_EQ(claim(image, "a", 20), ".") << "and takes the place of the first";
}

TEST_F(TwinsTest, who_waits_for_what_will_not_come_is_found_by_review) {
  claim(image, "abab");
  states[{image, BlockIndex(0)}] = Twins::State::gone;
  EXPECT_EQ(picture(twins.review(image, look), 4), "..#.");
  EXPECT_EQ(twins.pending(image), BlockCount(1));
  land(image, blocks(0, 2));
  EXPECT_EQ(ready(image), std::vector<std::uint64_t>{3});
}

TEST_F(TwinsTest, review_also_finds_what_landed_without_a_word) {
  claim(image, "aa");
  states[{image, BlockIndex(0)}] = Twins::State::here;
  EXPECT_TRUE(twins.review(image, look).empty());
  EXPECT_EQ(ready(image), std::vector<std::uint64_t>{1});
}

TEST_F(TwinsTest, blocks_of_another_image_are_joined) {
  EXPECT_EQ(claim(image, "abc"), "###");
  EXPECT_EQ(claim(other, "xbc"), "#..");
  land(image, blocks(0, 3));
  EXPECT_EQ(ready(other), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(ready(image).empty());
}

TEST_F(TwinsTest, a_claim_made_again_changes_nothing) {
  claim(image, "aba");
  EXPECT_EQ(claim(image, "aba"), "##.");
  EXPECT_EQ(twins.pending(image), BlockCount(1));
}

TEST_F(TwinsTest, a_job_that_ends_leaves_nobody_waiting_for_it) {
  claim(image, "ab");
  claim(other, "ab");
  twins.forget(image);
  states.clear();
  EXPECT_EQ(picture(twins.review(other, look), 2), "##");
  EXPECT_EQ(twins.pending(other), BlockCount(0));
  twins.forget(other);
  land(image, blocks(0, 2));
  EXPECT_EQ(claim(other, "ab"), "##");
}

TEST_F(TwinsTest, what_a_job_brought_that_has_ended_is_not_fetched_again) {
  claim(image, "ab");
  claim(other, "b");
  land(image, blocks(0, 2));
  twins.forget(image);
  EXPECT_EQ(claim(other, "ca", 10), "#.");
  EXPECT_EQ(ready(other), (std::vector<std::uint64_t>{0, 11}));
}

TEST_F(TwinsTest, what_could_not_be_stored_stays_ready) {
  claim(image, "aa");
  land(image, blocks(0, 1));
  auto copies = twins.take_ready(image, 100);
  twins.put_back(image, std::move(copies));
  EXPECT_EQ(twins.pending(image), BlockCount(1));
  EXPECT_EQ(ready(image), std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace weft::fetcher
