// SPDX-License-Identifier: Apache-2.0
// What prefetch does to those who wait.
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace weft::sim {
namespace {

using std::chrono::milliseconds;

enum class Prefetching { off, capped, full };

struct Latencies {
  double p50 = 0;
  double p99 = 0;
};

Latencies of(std::vector<Duration> times) {
  std::ranges::sort(times);
  return {to_seconds(times.at(times.size() / 2)), to_seconds(times.at(times.size() * 99 / 100))};
}

/// A thousand reads of one block each, at random places of an image of 2 GiB, one every 30 ms.
Latencies read_beside(double rate, milliseconds round_trip, Prefetching prefetching) {
  Simulation sim(3, mib(2048));
  Node& source = sim.add({.access = {.up = rate}});
  Node& target = sim.add({});
  sim.set_path(source, target, {.delay = round_trip / 2});
  source.hold_all();
  target.connect(source);
  sim.run_for(std::chrono::seconds(1));
  if (prefetching == Prefetching::capped) {
    // A quarter of the link: blocks are about 1800 bytes on the wire.
    target.scheduler().cap_prefetch(sim.world().image, rate / 4 * block_size / 1800,
                                    sim.world().events.now());
  }
  // The first half; reads are of the second.
  if (prefetching != Prefetching::off)
    target.prefetch({{.tier = fetcher::last_tier, .blocks = {{BlockIndex(0), mib(1024)}}}});
  std::mt19937_64 random(5);
  for (int i = 0; i < 1000; ++i) {
    sim.run_for(milliseconds(30));
    const std::uint64_t block = mib(1024).value() + random() % mib(1023).value();
    target.read({BlockIndex(block), BlockCount(1)});
  }
  sim.run_for(std::chrono::seconds(5));
  EXPECT_GE(target.figures().read_times.size(), 990U);
  EXPECT_EQ(target.figures().reads_failed, 0U);
  return of(target.figures().read_times);
}

struct Case {
  const char* name;
  double megabits;
  milliseconds round_trip;
};

class ForegroundFirst : public ::testing::TestWithParam<Case> {
 protected:
  static double batch_time() { return 32 * 2400 / mbit(GetParam().megabits); }
};

TEST_P(ForegroundFirst, full_prefetch_delays_a_read_by_a_batch_at_most) {
  const auto [name, megabits, round_trip] = GetParam();
  const Latencies off = read_beside(mbit(megabits), round_trip, Prefetching::off);
  const Latencies full = read_beside(mbit(megabits), round_trip, Prefetching::full);
  std::printf("%s: off %.1f / %.1f ms, full %.1f / %.1f ms, a batch %.1f ms\n", name, 1e3 * off.p50,
              1e3 * off.p99, 1e3 * full.p50, 1e3 * full.p99, 1e3 * batch_time());
  EXPECT_LE(full.p99, off.p99 + batch_time());
}

TEST_P(ForegroundFirst, prefetch_that_leaves_room_delays_hardly) {
  const auto [name, megabits, round_trip] = GetParam();
  const Latencies off = read_beside(mbit(megabits), round_trip, Prefetching::off);
  const Latencies capped = read_beside(mbit(megabits), round_trip, Prefetching::capped);
  std::printf("%s: off %.1f / %.1f ms, capped %.1f / %.1f ms\n", name, 1e3 * off.p50, 1e3 * off.p99,
              1e3 * capped.p50, 1e3 * capped.p99);
  EXPECT_LE(capped.p99, std::max(1.2 * off.p99, off.p99 + batch_time()));
}

INSTANTIATE_TEST_SUITE_P(Links, ForegroundFirst,
                         ::testing::Values(Case{"fast_100_Mbit_20_ms", 100, milliseconds(20)},
                                           Case{"thin_20_Mbit_80_ms", 20, milliseconds(80)},
                                           Case{"near_100_Mbit_2_ms", 100, milliseconds(2)}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ForegroundFirstLink, stays_full_beside_reads) {
  Simulation sim(3, mib(256));
  Node& source = sim.add({.access = {.up = mbit(100)}});
  Node& target = sim.add({});
  sim.set_path(source, target, {.delay = milliseconds(10)});
  source.hold_all();
  target.connect(source);
  target.materialize();
  std::mt19937_64 random(5);
  const auto more = [&] {
    target.read({BlockIndex(random() % mib(256).value()), BlockCount(1)});
    return target.complete();
  };
  while (!more())
    sim.run_for(milliseconds(30));
  const double bytes = static_cast<double>(target.figures().wire_received);
  std::printf("%.3f of the link\n", bytes / mbit(100) / sim.elapsed());
  EXPECT_GE(bytes / mbit(100) / sim.elapsed(), 0.9);
}

}  // namespace
}  // namespace weft::sim
