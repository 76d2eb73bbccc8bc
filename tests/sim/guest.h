// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/simulation.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace weft::sim {

/// A guest that boots: it reads one thing after the other, and thinks in between.
struct BootTrace {
  struct Read {
    BlockRange blocks;
    Duration think{0};  ///< before it
  };
  std::vector<Read> reads;

  /// How long it takes when everything is here.
  [[nodiscard]] Duration local_time() const {
    Duration time{0};
    for (const Read& read : reads)
      time += read.think;
    return time;
  }
};

class Guest {
 public:
  /// Both outlive it.
  Guest(Simulation& sim, Node& node, const BootTrace& trace)
      : sim_(sim), node_(node), trace_(trace) {}

  void boot() {
    begun_ = sim_.world().events.now();
    step();
  }
  /// Since it began.
  [[nodiscard]] std::optional<Duration> ready() const { return ready_; }

 private:
  void step() {
    if (next_ == trace_.reads.size()) {
      ready_ = sim_.world().events.now() - begun_;
      return;
    }
    const BootTrace::Read& read = trace_.reads[next_++];
    sim_.world().events.after(read.think, [this, blocks = read.blocks] {
      node_.read(blocks, std::chrono::seconds(60), [this] { step(); });
    });
  }

  Simulation& sim_;
  Node& node_;
  const BootTrace& trace_;
  std::size_t next_ = 0;
  TimePoint begun_{};
  std::optional<Duration> ready_;
};

}  // namespace weft::sim
