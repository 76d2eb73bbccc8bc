// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

namespace weft::sim {
namespace {

using namespace std::chrono_literals;

/// Three sources with jitter, parts each, some reads.
std::uint64_t busy_run(std::uint64_t seed) {
  Simulation sim(seed, mib(8));
  Node& target = sim.add();
  for (int i = 0; i < 3; ++i) {
    Node& source = sim.add({.access = {.up = mbit(20 + 10 * i)}});
    sim.set_path(source, target, {.rate = 0, .delay = 5ms, .jitter = 3ms});
    source.hold_all();
    target.connect(source);
  }
  target.materialize();
  sim.at(200ms, [&] { target.read({BlockIndex(1500), BlockCount(16)}); });
  EXPECT_TRUE(sim.run_until([&] { return target.complete(); }));
  return sim.trace();
}

TEST(Simulation, same_seed_gives_the_same_trace) {
  EXPECT_EQ(busy_run(7), busy_run(7));
  EXPECT_NE(busy_run(7), busy_run(8)) << "the seed decides nothing";
}

TEST(Simulation, every_block_lands_once_and_is_accounted) {
  Simulation sim(1, mib(16));
  Node& a = sim.add({.access = {.up = mbit(50)}});
  Node& b = sim.add({.access = {.up = mbit(100)}});
  Node& target = sim.add();
  a.hold_all();
  b.hold_all();
  target.connect(a);
  target.connect(b);
  target.materialize();
  ASSERT_TRUE(sim.run_until([&] { return target.complete(); }));
  const NodeFigures& figures = target.figures();
  EXPECT_EQ(figures.landed_twice, 0U);
  EXPECT_EQ(figures.blocks_from.at(0) + figures.blocks_from.at(1), mib(16).value());
  EXPECT_GE(figures.wire_received, sim.content().wire_bytes());
  target.scheduler().check_invariants();
}

TEST(Simulation, read_is_answered_ahead_of_prefetch) {
  Simulation sim(1, mib(64));
  Node& source = sim.add({.access = {.up = mbit(20)}});
  Node& target = sim.add();
  sim.set_path(source, target, {.rate = 0, .delay = 10ms});
  source.hold_all();
  target.connect(source);
  target.materialize();
  sim.at(1s, [&] { target.read({BlockIndex(16000), BlockCount(4)}); });
  ASSERT_TRUE(sim.run_until([&] { return target.figures().reads_done == 1; }));
  // A round trip, the kernel's buffer, one batch.
  EXPECT_LT(target.figures().longest_read, 150ms);
  EXPECT_FALSE(target.complete());
}

TEST(Simulation, partial_node_serves_what_it_has_announced) {
  Simulation sim(1, mib(4));
  Node& origin = sim.add({.access = {.up = mbit(10)}});
  Node& first = sim.add({.access = {.up = mbit(100)}});
  Node& second = sim.add();
  origin.hold_all();
  first.connect(origin);
  second.connect(first);
  first.materialize();
  second.materialize();
  ASSERT_TRUE(sim.run_until([&] { return second.complete(); }));
  EXPECT_EQ(second.figures().blocks_from.size(), 1U);
  EXPECT_EQ(second.figures().blocks_from.at(first.index()), mib(4).value());
}

}  // namespace
}  // namespace weft::sim
