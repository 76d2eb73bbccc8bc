// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/replanner.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using Why = Replanner::Why;

class ReplannerTest : public ::testing::Test {
 protected:
  static constexpr PeerId a{1};
  static constexpr PeerId b{2};

  void SetUp() override {
    queues.add(blocks(0, 1600));
    links = {link(a, 10e6), link(b, 1e6)};
  }
  static LinkPace link(PeerId peer, double rate) {
    LinkPace pace;
    pace.peer = peer;
    pace.bytes_per_second = rate;
    pace.wire_bytes_per_block = 2000;
    return pace;
  }
  [[nodiscard]] Replanner::View view() const { return {now, queues, links, compression}; }
  [[nodiscard]] std::optional<Why> due() const { return replanner.due(view()); }
  /// A plan that takes so long to make.
  void plan(Duration takes = 0ms) {
    replanner.asked(view());
    now += takes;
    queues.install({{a, {{blocks(0, 800), 1}}}, {b, {{blocks(800, 800), 2}}}});
    replanner.installed(view(), BlockCount(0));
  }
  void pass(Duration time) { now += time; }

  Replanner replanner;
  PlanQueues queues;
  std::vector<LinkPace> links;
  double compression = 2000;
  TimePoint now{1h};
};

TEST_F(ReplannerTest, the_first_plan_is_made_at_once) {
  EXPECT_EQ(due(), Why::first);
}

TEST_F(ReplannerTest, nothing_is_planned_without_holders_or_for_a_few_blocks) {
  links.clear();
  EXPECT_EQ(due(), std::nullopt);
  links = {link(a, 1e6)};
  queues.remove(blocks(20, 1580));
  EXPECT_EQ(due(), std::nullopt);
}

TEST_F(ReplannerTest, one_plan_at_a_time) {
  replanner.asked(view());
  replanner.holders_changed();
  pass(10s);
  EXPECT_EQ(due(), std::nullopt);
}

TEST_F(ReplannerTest, a_plan_that_holds_is_kept) {
  plan();
  pass(60s);
  links[0].bytes_per_second = 12e6;
  queues.remove(blocks(0, 300));
  EXPECT_EQ(due(), std::nullopt);
}

TEST_F(ReplannerTest, a_holder_that_comes_or_goes_is_planned_for_after_a_quarter_of_a_second) {
  plan();
  replanner.holders_changed();
  pass(200ms);
  EXPECT_EQ(due(), std::nullopt);
  pass(50ms);
  EXPECT_EQ(due(), Why::holders);
  plan();
  pass(60s);
  EXPECT_EQ(due(), std::nullopt) << "it was planned for";
}

TEST_F(ReplannerTest, a_rate_that_is_off_by_more_than_a_quarter) {
  plan();
  pass(1s);
  links[1].bytes_per_second = 0.74e6;
  EXPECT_EQ(due(), Why::rates);
  links[1].bytes_per_second = 0.76e6;
  EXPECT_EQ(due(), std::nullopt);
  links[1].bytes_per_second = 1.26e6;
  EXPECT_EQ(due(), Why::rates);
}

TEST_F(ReplannerTest, a_rate_that_is_far_off_is_planned_for_soon) {
  plan();
  pass(250ms);
  links[1].bytes_per_second = 0.6e6;
  EXPECT_EQ(due(), std::nullopt);
  links[1].bytes_per_second = 0.4e6;
  EXPECT_EQ(due(), Why::rates);
}

TEST_F(ReplannerTest, a_link_that_is_not_lively_any_more) {
  plan();
  pass(1s);
  links.pop_back();
  EXPECT_EQ(due(), Why::rates);
}

TEST_F(ReplannerTest, compression_that_is_not_what_was_assumed) {
  plan();
  pass(1s);
  compression = 3000;
  EXPECT_EQ(due(), Why::rates);
}

TEST_F(ReplannerTest, what_came_after_the_plan_when_it_is_more_than_a_sixteenth) {
  plan();
  pass(1s);
  queues.add(blocks(5000, 100));
  EXPECT_EQ(due(), std::nullopt);
  queues.add(blocks(5100, 20));
  EXPECT_EQ(due(), Why::wants);
}

TEST_F(ReplannerTest, what_nobody_holds_is_no_reason_until_holdings_change) {
  replanner.asked(view());
  queues.install({{a, {{blocks(0, 800), 1}}}});
  replanner.installed(view(), BlockCount(800));
  pass(60s);
  EXPECT_EQ(due(), std::nullopt);
  replanner.holdings_changed(BlockCount(1));
  EXPECT_EQ(due(), Why::wants);
}

TEST_F(ReplannerTest, new_holders_of_much_of_it) {
  plan();
  pass(1s);
  replanner.holdings_changed(BlockCount(100));
  EXPECT_EQ(due(), std::nullopt);
  replanner.holdings_changed(BlockCount(1));
  EXPECT_EQ(due(), Why::wants);
}

TEST_F(ReplannerTest, a_tier_that_is_done) {
  plan();
  queues.remove(blocks(0, 800));
  pass(999ms);
  EXPECT_EQ(due(), std::nullopt);
  pass(1ms);
  EXPECT_EQ(due(), Why::tier);
}

TEST_F(ReplannerTest, solving_takes_a_tenth_of_the_time_at_most) {
  plan(400ms);
  replanner.holders_changed();
  pass(3500ms);
  EXPECT_EQ(due(), std::nullopt);
  pass(100ms);
  EXPECT_EQ(due(), Why::holders);
}

TEST_F(ReplannerTest, a_plan_that_cannot_be_made_is_not_tried_all_the_time) {
  replanner.asked(view());
  replanner.failed(now, BlockCount(1600));
  replanner.goal_changed();
  pass(4s);
  EXPECT_EQ(due(), std::nullopt);
  pass(1s);
  EXPECT_EQ(due(), Why::goal);
}

TEST_F(ReplannerTest, forgetting_while_a_plan_is_made_waits_for_it) {
  replanner.asked(view());
  replanner.forget();
  EXPECT_EQ(due(), std::nullopt);
  replanner.installed(view(), BlockCount(0));
  EXPECT_FALSE(replanner.being_made());
}

}  // namespace
}  // namespace weft::fetcher::testing
