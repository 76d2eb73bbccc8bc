// SPDX-License-Identifier: Apache-2.0
// Budgets are kept, whatever readers and links do, and are enough if they are enough on paper.
#include "tests/sim/four_sources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <random>

namespace weft::sim {
namespace {

constexpr double gib = 1 << 30;
constexpr std::array<double, 4> prices{1, 0.5, 4, 10};  // the fast are dear

/// Four sources with prices, and what the transfer costs by the bytes that came.
struct PricedSources : FourSources {
  explicit PricedSources(BlockCount blocks) : FourSources(1, blocks) {
    for (std::size_t i = 0; i < sources.size(); ++i)
      target.scheduler().link_info(peer_id(sources[i]->index()),
                                   {.price_per_gib = prices[i], .site = ""});
  }
  void within(double budget) {
    target.scheduler().set_goal(sim.world().image, fetcher::plan::Goal::within(budget));
  }
  [[nodiscard]] double cost() const {
    double cost = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto bytes = target.figures().wire_from.find(sources[i]->index());
      if (bytes == target.figures().wire_from.end()) continue;
      cost += prices[i] * static_cast<double>(bytes->second) / gib;
    }
    return cost;
  }
  /// If every block comes from its cheapest holder.
  [[nodiscard]] double least_cost() const {
    double cost = 0;
    for (std::uint64_t at = 0; at < sim.content().blocks.value(); at += 32) {
      const BlockRange batch{BlockIndex(at), BlockCount(32)};
      std::optional<double> least;
      for (std::size_t i = 0; i < sources.size(); ++i) {
        if (!sources[i]->held().covers(batch)) continue;
        least = std::min(least.value_or(prices[i]), prices[i]);
      }
      cost += *least * static_cast<double>(sim.content().wire_bytes(batch)) / gib;
    }
    return cost;
  }
};

struct Outcome {
  bool complete = false;
  double seconds = 0;
  double cost = 0;
};

Outcome transfer(BlockCount blocks, double budget_over_least) {
  PricedSources scene(blocks);
  const double budget = budget_over_least * scene.least_cost();
  scene.within(budget);
  const bool complete =
      scene.sim.run_until([&] { return scene.target.complete(); }, std::chrono::minutes(10));
  EXPECT_LE(scene.cost(), budget * (1 + 1e-9));
  return {complete, scene.sim.elapsed(), scene.cost()};
}

TEST(Money, a_larger_budget_buys_time) {
  double before = std::numeric_limits<double>::infinity();
  double first = 0;
  for (const double factor : {1.02, 1.5, 2.5, 4.0}) {
    const Outcome outcome = transfer(mib(64), factor);
    EXPECT_TRUE(outcome.complete) << factor << " of the least cost";
    EXPECT_LE(outcome.seconds, before * 1.02) << factor;
    before = outcome.seconds;
    first = first == 0 ? before : first;
  }
  EXPECT_LT(before, first / 2);
}

TEST(Money, what_the_budget_does_not_pay_for_does_not_come) {
  const Outcome half = transfer(mib(64), 0.5);
  EXPECT_FALSE(half.complete);
  EXPECT_GT(half.cost, 0) << "it goes as far as it can";
}

TEST(Money, readers_do_not_exceed_the_budget_either) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    PricedSources scene(mib(64));
    const double budget = 1.3 * scene.least_cost();
    scene.within(budget);
    std::minstd_rand random(static_cast<unsigned>(seed));
    for (int i = 0; i < 400; ++i) {
      const BlockRange range{BlockIndex(random() % (mib(64).value() - 8)), BlockCount(8)};
      scene.sim.at(std::chrono::milliseconds(50 * i),
                   [&scene, range] { scene.target.read(range, std::chrono::seconds(5)); });
    }
    scene.sim.at(std::chrono::seconds(2), [&] { scene.sources[3]->lose(); });
    for (int second = 0; second < 60; ++second) {
      scene.sim.run_for(std::chrono::seconds(1));
      ASSERT_LE(scene.cost(), budget * (1 + 1e-9)) << second << " s, seed " << seed;
    }
    EXPECT_GT(scene.target.figures().reads_done, 100U);
    EXPECT_GT(scene.cost(), budget / 2);
  }
}

}  // namespace
}  // namespace weft::sim
