// SPDX-License-Identifier: Apache-2.0
// A source gets into trouble in the middle of a transfer.
#include "tests/sim/four_sources.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>

namespace weft::sim {
namespace {

using namespace std::chrono_literals;

struct Fault {
  const char* name;
  std::function<void(Simulation&, Node&)> strike;
  double seconds = 2;  ///< it may cost, besides what its rate was worth
};

const Fault faults[] = {
    {"kill", [](Simulation&, Node& node) { node.kill(); }},
    {"freeze",
     [](Simulation& sim, Node& node) {
       sim.network().freeze(node.index());
       node.silent_for_good(10s);
     }},
    // What a link that still moves owes is not asked for elsewhere.
    {"throttle", [](Simulation& sim, Node& node) { sim.network().throttle(node.index(), 0.01); },
     5},
    {"corrupt", [](Simulation&, Node& node) { node.corrupt(); }},
    {"half_open", [](Simulation&, Node& node) { node.lose(); }},
};

class Faults : public ::testing::TestWithParam<std::tuple<std::size_t, int, unsigned>> {};

/// A read of a random place, five times a second.
void read_now_and_then(FourSources& scene) {
  for (int i = 1; i < 500; ++i) {
    scene.sim.at(i * 200ms, [&scene] {
      const std::uint64_t place = scene.sim.world().random() % (mib(256).value() - 8);
      if (!scene.target.complete()) scene.target.read({BlockIndex(place), BlockCount(8)});
    });
  }
}

TEST_P(Faults, cost_two_seconds_and_the_lost_rate_at_most) {
  const auto [which, percent, victim] = GetParam();
  FourSources undisturbed(1, mib(256));
  read_now_and_then(undisturbed);
  ASSERT_TRUE(undisturbed.finish());
  const double usual = undisturbed.sim.elapsed();

  FourSources scene(1, mib(256));
  read_now_and_then(scene);
  const double when = usual * percent / 100;
  double possible = 0;
  scene.sim.at(from_seconds(when), [&] {
    possible = when + scene.bound(1U << victim);
    faults[which].strike(scene.sim, *scene.sources[victim]);
  });
  ASSERT_TRUE(scene.finish());

  const NodeFigures& figures = scene.target.figures();
  EXPECT_LE(scene.sim.elapsed(), std::max(usual, possible) + faults[which].seconds)
      << "usually " << usual << ", possible without the source " << possible;
  EXPECT_EQ(figures.reads_failed, 0U);
  EXPECT_EQ(figures.landed_twice, 0U);
  scene.target.scheduler().check_invariants();
}

INSTANTIATE_TEST_SUITE_P(AnySource, Faults,
                         ::testing::Combine(::testing::Range<std::size_t>(0, std::size(faults)),
                                            ::testing::Values(10, 50, 90),
                                            ::testing::Values(0U, 1U, 2U, 3U)),
                         [](const auto& row) {
                           return std::string(faults[std::get<0>(row.param)].name) + "_at_" +
                                  std::to_string(std::get<1>(row.param)) + "_percent_of_source_" +
                                  std::to_string(std::get<2>(row.param));
                         });

TEST(Faults, origin_dies_when_the_rest_hold_everything) {
  for (const int percent : {10, 50, 90}) {
    FourSources scene(1, mib(64));
    Node& origin = scene.sim.add({.access = {.up = mbit(100)}});
    origin.hold_all();
    scene.target.connect(origin);
    scene.sim.at(percent * 10ms, [&] { origin.kill(); });
    ASSERT_TRUE(scene.finish());
    EXPECT_EQ(scene.target.figures().landed_twice, 0U);
  }
}

TEST(Faults, sources_that_come_and_go_never_lose_a_block) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    FourSources scene(seed, mib(64));
    for (int i = 1; i < 100; ++i) {
      scene.sim.at(i * 100ms, [&scene] {
        Node& source = *scene.sources[scene.sim.world().random() % 4];
        if (scene.target.connected(source.index())) {
          scene.target.disconnect(source);
        } else {
          scene.target.connect(source);
        }
      });
    }
    scene.sim.at(10s, [&scene] {
      for (Node* source : scene.sources)
        scene.target.connect(*source);
    });
    ASSERT_TRUE(scene.finish()) << "seed " << seed;
    EXPECT_EQ(scene.target.figures().landed_twice, 0U);
  }
}

}  // namespace
}  // namespace weft::sim
