// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/queues.h"

#include "fetcher/plan/class_table.h"
#include "fetcher/plan/planner.h"
#include "tests/unit/fetcher/plan/problem_builder.h"
#include "tests/unit/fetcher/plan/random_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace weft::fetcher::plan {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

std::uint64_t count(const std::vector<QueueEntry>& queue) {
  std::uint64_t blocks = 0;
  for (const QueueEntry& entry : queue)
    blocks += entry.blocks.count.value();
  return blocks;
}

Queues queues_of(const Problem& problem, const std::vector<Run>& order) {
  const auto plan = make_plan(problem, Goal::fastest());
  EXPECT_TRUE(plan);
  return make_queues(problem, *plan, order);
}

TEST(Queues, sources_of_a_class_take_batches_in_turn_by_their_shares) {
  ProblemBuilder b;
  b.source(10).source(30).held_by({0, 1}, 4);
  const Queues queues = queues_of(b.problem, {{blocks(0, 1280), 0}});
  EXPECT_EQ(count(queues[0]), 320U);
  EXPECT_EQ(count(queues[1]), 960U);
  // One batch of four is the slow source's; both begin at the beginning.
  EXPECT_EQ(queues[0].front().blocks.count.value(), batch_blocks);
  EXPECT_LT(queues[0].front().blocks.first.value(), 4 * batch_blocks);
  EXPECT_LT(queues[1].front().blocks.first.value(), 4 * batch_blocks);
  EXPECT_GE(queues[0].back().blocks.end().value(), 1280 - 4 * batch_blocks);
}

TEST(Queues, what_one_source_gets_next_to_each_other_is_one_range) {
  ProblemBuilder b;
  b.source(10).held_by({0}, 4).held_by({0}, 4);
  const Queues queues = queues_of(b.problem, {{blocks(0, 100), 0}, {blocks(100, 50), 1}});
  ASSERT_EQ(queues[0].size(), 1U);
  EXPECT_EQ(queues[0][0].blocks, blocks(0, 150));
  EXPECT_NEAR(queues[0][0].finish, 0.8, 1e-6);
}

TEST(Queues, order_is_kept_and_tiers_are_not_joined) {
  ProblemBuilder b;
  b.source(10).held_by({0}, 1, 1).held_by({0}, 1, 2);
  const Queues queues =
      queues_of(b.problem, {{blocks(50, 10), 0}, {blocks(7, 3), 0}, {blocks(10, 40), 1}});
  ASSERT_EQ(queues[0].size(), 3U);
  EXPECT_EQ(queues[0][0].blocks, blocks(50, 10));
  EXPECT_EQ(queues[0][1].blocks, blocks(7, 3));
  EXPECT_EQ(queues[0][2].tier, 2);
  EXPECT_NEAR(queues[0][1].finish, 0.1, 1e-6);
  EXPECT_NEAR(queues[0][2].finish, 0.2, 1e-6);
}

TEST(Queues, blocks_that_take_no_bytes_come_from_the_fastest_holder) {
  ProblemBuilder b;
  b.source(10).source(20).source(90).held_by({0, 1}, 0).held_by({}, 0);
  const Queues queues = queues_of(b.problem, {{blocks(0, 5), 0}, {blocks(5, 5), 1}});
  EXPECT_EQ(count(queues[1]), 5U);
  EXPECT_TRUE(queues[0].empty() && queues[2].empty());
}

// Random problems with random orders: each held block once, at a holder, in order, in time.
TEST(Queues, every_block_is_in_one_queue_and_finishes_with_the_plan) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Problem problem = random_problem(seed);
    std::mt19937_64 random(seed);
    std::vector<plan::Run> order;
    std::uint64_t next = 0;
    for (Tier tier = 1; tier <= 4; ++tier) {
      for (int i = 0; i < 30; ++i) {
        const auto c = static_cast<ClassIndex>(random() % problem.classes.size());
        if (problem.classes[c].tier != tier) continue;
        order.push_back({blocks(next, 1 + random() % 90), c});
        next = order.back().blocks.end().value() + random() % 2;
      }
    }
    const auto plan = make_plan(problem, Goal::fastest());
    ASSERT_TRUE(plan);
    const Queues queues = make_queues(problem, *plan, order);
    std::vector<int> seen(next, 0);
    for (const SourceIndex p : each_source(queues.size())) {
      double time = 0;
      Tier tier = 1;
      for (const QueueEntry& entry : queues[p]) {
        EXPECT_GE(entry.finish, time);
        EXPECT_GE(entry.tier, tier);
        time = entry.finish;
        tier = entry.tier;
        for (BlockIndex b = entry.blocks.first; b < entry.blocks.end(); ++b)
          ++seen[b.value()];
      }
      EXPECT_LE(time, plan->sources[p].finish * (1 + 1e-9));
    }
    for (const plan::Run& run : order)
      for (BlockIndex b = run.blocks.first; b < run.blocks.end(); ++b)
        --seen[b.value()];
    EXPECT_EQ(std::ranges::count(seen, 0), static_cast<std::ptrdiff_t>(seen.size()));
  }
}

}  // namespace
}  // namespace weft::fetcher::plan
