// SPDX-License-Identifier: Apache-2.0
// Links are full, and plans come true, on the links that people have.
#include "tests/sim/four_sources.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace weft::sim {
namespace {

class OneLink : public ::testing::TestWithParam<std::tuple<int, int>> {};

/// What cannot be used of a transfer: greeting, first question, and the ramp of the first measured
/// rates.
double start_up(double round_trip) {
  return 6 * round_trip + 0.1;
}

TEST_P(OneLink, is_full) {
  const auto [megabits, milliseconds] = GetParam();
  Simulation sim(1, mib(64));
  Node& source = sim.add({.access = {.up = mbit(megabits)}});
  Node& target = sim.add({});
  sim.set_path(source, target, {.delay = std::chrono::microseconds(500 * milliseconds)});
  source.hold_all();
  target.connect(source);
  target.materialize();
  ASSERT_TRUE(sim.run_until([&] { return target.complete(); }));
  const double bytes = static_cast<double>(target.figures().wire_received);
  EXPECT_LE(sim.elapsed(), bytes / mbit(megabits) / 0.95 + start_up(milliseconds / 1000.0));
}

INSTANTIATE_TEST_SUITE_P(Rates, OneLink,
                         ::testing::Combine(::testing::Values(10, 20, 50, 100),
                                            ::testing::Values(2, 10, 40, 150)),
                         [](const auto& row) {
                           return std::to_string(std::get<0>(row.param)) + "_Mbit_" +
                                  std::to_string(std::get<1>(row.param)) + "_ms";
                         });

TEST(FourSourcesPlanned, finish_within_a_twentieth_of_the_bound) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    FourSources scene(seed, mib(256));
    const double bound = scene.bound();
    ASSERT_TRUE(scene.finish());
    EXPECT_LE(scene.sim.elapsed(), 1.05 * bound + 0.1) << "seed " << seed << ", bound " << bound;
    EXPECT_EQ(scene.target.figures().landed_twice, 0U);
  }
}

TEST(FourSourcesPlanned, little_is_sent_twice) {
  FourSources scene(1, mib(256));
  ASSERT_TRUE(scene.finish());
  EXPECT_LE(scene.target.figures().stale_bytes, scene.target.figures().wire_received / 50);
}

TEST(FourSourcesPlanned, most_comes_as_planned) {
  FourSources scene(1, mib(256));
  ASSERT_TRUE(scene.finish());
  fetcher::SourceCounts all;
  for (const auto& [peer, counts] : scene.target.scheduler().counts())
    all += counts;
  EXPECT_GE(all.of(fetcher::FetchReason::planned), BlockCount(mib(256).value() * 8 / 10));
}

}  // namespace
}  // namespace weft::sim
