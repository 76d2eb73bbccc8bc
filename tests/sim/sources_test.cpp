// SPDX-License-Identifier: Apache-2.0
// Several sources at once, undisturbed.
#include "tests/sim/four_sources.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

using namespace std::chrono_literals;

TEST(FourSources, links_carry_nearly_what_the_bound_allows) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    FourSources scene(seed, mib(256));
    const double bound = scene.bound();
    ASSERT_TRUE(scene.finish());
    EXPECT_LE(scene.sim.elapsed(), 1.2 * bound) << "seed " << seed << ", bound " << bound;
    EXPECT_EQ(scene.target.figures().landed_twice, 0U);
  }
}

TEST(FourSources, interrupted_path_costs_no_more_than_its_time) {
  FourSources undisturbed(1, mib(256));
  ASSERT_TRUE(undisturbed.finish());
  FourSources scene(1, mib(256));
  for (int i = 0; i < 3; ++i) {
    scene.sim.at(1s + i * 1s, [&scene] {
      scene.sim.network().interrupt(scene.sources[3]->index(), scene.target.index(), 300ms);
    });
  }
  ASSERT_TRUE(scene.finish());
  EXPECT_LE(scene.sim.elapsed(), undisturbed.sim.elapsed() + 1.2);
  EXPECT_EQ(scene.target.figures().landed_twice, 0U);
}

}  // namespace
}  // namespace weft::sim
