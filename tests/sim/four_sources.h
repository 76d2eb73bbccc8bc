// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/simulation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace weft::sim {

/// A target and four sources at 10, 20, 50 and 100 Mbit/s, 10 ms away, that hold overlapping parts:
/// every block is with two of them, chosen at random by regions of 1 MiB.
struct FourSources {
  static constexpr std::array<double, 4> rates{mbit(10), mbit(20), mbit(50), mbit(100)};

  FourSources(std::uint64_t seed, BlockCount blocks) : sim(seed, blocks), target(sim.add()) {
    for (const double rate : rates)
      sources.push_back(&sim.add({.access = {.up = rate}}));
    for (std::uint64_t at = 0; at < blocks.value(); at += 256) {
      const std::uint64_t one = sim.world().random() % 4;
      const std::uint64_t two = (one + 1 + sim.world().random() % 3) % 4;
      const BlockRange region{BlockIndex(at), std::min(BlockCount(256), blocks - BlockCount(at))};
      sources[one]->hold(region);
      sources[two]->hold(region);
    }
    for (Node* source : sources)
      target.connect(*source);
    target.materialize();
  }

  /// Seconds in which what is missing now can be here at the soonest: what only the sources of some
  /// set hold takes the time their rates need, for every set. Those of `without` are not counted.
  [[nodiscard]] double bound(unsigned without = 0) const {
    std::array<double, 16> of_holders{};  // wire bytes by set of holders
    for (std::uint64_t at = 0; at < sim.content().blocks.value(); at += 32) {
      const BlockRange batch{BlockIndex(at), BlockCount(32)};
      if (target.held().covers(batch)) continue;
      unsigned holders = 0;
      for (unsigned i = 0; i < 4; ++i)
        holders |= sources[i]->held().covers(batch) ? 1U << i : 0;
      of_holders[holders & ~without] += static_cast<double>(sim.content().wire_bytes(batch));
    }
    double worst = 0;
    for (unsigned set = 1; set < 16; ++set) {
      double bytes = 0;
      double rate = 0;
      for (unsigned holders = 1; holders < 16; ++holders)
        bytes += (holders & ~set) == 0 ? of_holders[holders] : 0;
      for (unsigned i = 0; i < 4; ++i)
        rate += (set >> i & 1U) != 0 && (without >> i & 1U) == 0 ? rates[i] : 0;
      if (bytes > 0) worst = std::max(worst, bytes / rate);
    }
    return worst;
  }
  bool finish() {
    return sim.run_until([this] { return target.complete(); });
  }

  Simulation sim;
  Node& target;
  std::vector<Node*> sources;
};

}  // namespace weft::sim
