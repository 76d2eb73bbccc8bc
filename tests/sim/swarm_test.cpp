// SPDX-License-Identifier: Apache-2.0
// Many nodes fetch one image from one origin, and from each other.
#include "tests/sim/swarm_scene.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

using namespace std::chrono_literals;

double alone(BlockCount blocks) {
  SwarmScene scene(1, blocks, 1);
  EXPECT_TRUE(scene.finish());
  return scene.slowest();
}

TEST(Swarm, sixteen_nodes_take_about_one_copy_and_little_more_time_than_one) {
  const BlockCount blocks = mib(128);
  const double single = alone(blocks);
  SwarmScene scene(1, blocks, 16);
  ASSERT_TRUE(scene.finish());
  EXPECT_LE(scene.copies(), 1.3);
  EXPECT_LE(scene.slowest(), 1.5 * single);
  for (unsigned i = 0; i < 16; ++i)
    EXPECT_EQ(scene.target(i).figures().landed_twice, 0U);
}

TEST(Swarm, without_it_the_origin_sends_everybody_a_copy) {
  SwarmScene scene(1, mib(32), 8, false);
  ASSERT_TRUE(scene.finish());
  EXPECT_GE(scene.copies(), 7.9);
}

TEST(Swarm, same_seed_gives_the_same_trace) {
  const auto run = [](std::uint64_t seed) {
    SwarmScene scene(seed, mib(8), 6);
    EXPECT_TRUE(scene.finish());
    return scene.sim.trace();
  };
  EXPECT_EQ(run(3), run(3));
  EXPECT_NE(run(3), run(4));
}

TEST(Swarm, single_node_is_as_fast_as_without_one) {
  SwarmScene with(1, mib(32), 1);
  SwarmScene without(1, mib(32), 1, false);
  ASSERT_TRUE(with.finish());
  ASSERT_TRUE(without.finish());
  EXPECT_LE(with.slowest(), without.slowest() + 0.1);
}

TEST(Swarm, goes_on_when_half_of_its_members_die) {
  SwarmScene scene(1, mib(64), 12);
  for (unsigned i = 0; i < 6; ++i)
    scene.sim.at(1500ms + i * 100ms, [&scene, i] { scene.target(i).kill(); });
  ASSERT_TRUE(scene.finish());
  EXPECT_LE(scene.slowest(), 3 * alone(mib(64)));
}

TEST(Swarm, goes_on_when_members_vanish_without_a_word) {
  SwarmScene scene(1, mib(64), 12);
  for (unsigned i = 0; i < 4; ++i)
    scene.sim.at(1500ms + i * 100ms, [&scene, i] { scene.target(i).lose(); });
  unsigned left = 0;
  EXPECT_TRUE(scene.sim.run_until(
      [&] {
        left = 0;
        for (unsigned i = 4; i < 12; ++i)
          left += scene.target(i).completed_at() ? 0 : 1;
        return left == 0;
      },
      60s));
}

TEST(Swarm, completes_without_the_origin_when_the_members_hold_everything_together) {
  SwarmScene scene(1, mib(64), 8);
  const auto jointly = [&] {
    fetcher::RangeSet all;
    for (unsigned i = 0; i < 8; ++i)
      all.add(scene.target(i).held());
    return all.count() == mib(64);
  };
  ASSERT_TRUE(scene.sim.run_until(jointly, 60s));
  bool complete = true;
  for (unsigned i = 0; i < 8; ++i)
    complete = complete && scene.target(i).complete();
  ASSERT_FALSE(complete);
  scene.origin().kill();
  EXPECT_TRUE(scene.finish(120s));
}

TEST(Swarm, slow_member_holds_nobody_up_for_long) {
  SwarmScene scene(1, mib(64), 8);
  scene.sim.network().set_path(0, scene.target(0).index(), {.rate = mbit(1), .delay = 10ms});
  scene.sim.at(2s, [&scene] { scene.sim.network().throttle(scene.target(0).index(), 0.01); });
  unsigned left = 0;
  EXPECT_TRUE(scene.sim.run_until(
      [&] {
        left = 0;
        for (unsigned i = 1; i < 8; ++i)
          left += scene.target(i).completed_at() ? 0 : 1;
        return left == 0;
      },
      20s));
  EXPECT_LE(scene.copies(), 2);
}

TEST(Swarm, read_is_not_held_up_by_the_sharing) {
  SwarmScene scene(1, mib(64), 8);
  for (unsigned i = 0; i < 8; ++i) {
    for (int t = 0; t < 10; ++t) {
      scene.sim.at(1s + t * 150ms, [&scene, i] {
        const std::uint64_t place = scene.sim.world().random() % (mib(64).value() - 8);
        scene.target(i).read({BlockIndex(place), BlockCount(8)});
      });
    }
  }
  ASSERT_TRUE(scene.finish());
  for (unsigned i = 0; i < 8; ++i) {
    EXPECT_EQ(scene.target(i).figures().reads_failed, 0U);
    EXPECT_LT(scene.target(i).figures().longest_read, 2s);
  }
}

}  // namespace
}  // namespace weft::sim
