// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "tests/sim/simulation.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace weft::sim {

/// Many targets begin to fetch one image within a second, from one origin that they all know;
/// everybody's link carries 100 Mbit/s each way, 10 ms away from everybody.
struct SwarmScene {
  static constexpr NodeIndex origin_index = 0;

  SwarmScene(std::uint64_t seed, BlockCount blocks, unsigned targets, bool swarm = true)
      : sim(seed, blocks) {
    const NodeOptions options{.access = {.up = mbit(100), .down = mbit(100)}, .swarm = swarm};
    Node& origin = sim.add(options);
    origin.hold_all();
    for (unsigned i = 0; i < targets; ++i) {
      Node& target = sim.add(options);
      const Duration wait =
          std::chrono::milliseconds(targets > 1 ? sim.world().random() % 1000 : 0);
      begun.push_back(to_seconds(wait));
      sim.at(wait, [&origin, &target] {
        target.connect(origin);
        target.materialize();
      });
    }
  }

  [[nodiscard]] Node& origin() { return sim.node(origin_index); }
  [[nodiscard]] Node& target(unsigned i) { return sim.node(i + 1); }
  /// Every target that lives has everything.
  bool finish(Duration limit = std::chrono::minutes(10)) {
    unsigned at = 0;
    return sim.run_until(
        [&] {
          while (at < begun.size() && (target(at).completed_at() || !target(at).alive()))
            ++at;
          return at == begun.size();
        },
        limit);
  }
  /// The longest that a target took, from its own beginning, in seconds.
  [[nodiscard]] double slowest() {
    double longest = 0;
    for (unsigned i = 0; i < begun.size(); ++i) {
      if (!target(i).completed_at()) continue;
      longest = std::max(longest, sim.elapsed_at(*target(i).completed_at()) - begun[i]);
    }
    return longest;
  }
  /// What the origin has sent, as a multiple of what the image takes on the wire.
  [[nodiscard]] double copies() {
    return static_cast<double>(sim.network().bytes_sent(origin_index)) /
           static_cast<double>(sim.content().wire_bytes());
  }

  Simulation sim;
  std::vector<double> begun;  // seconds, by target
};

}  // namespace weft::sim
