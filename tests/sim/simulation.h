// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/node.h"

#include <functional>
#include <memory>
#include <vector>

namespace weft::sim {

/// Nodes, links and faults on virtual time. The same calls with the same seed do the same, to the
/// byte: `trace()` tells.
///
///     Simulation sim(seed, blocks);
///     Node& source = sim.add({.access = {.up = mbit(100)}});
///     Node& target = sim.add({});
///     source.hold_all();
///     target.connect(source);
///     target.materialize();
///     sim.run_until([&] { return target.complete(); });
class Simulation {
 public:
  Simulation(std::uint64_t seed, BlockCount blocks) : world_(seed, blocks) {
    world_.find = [this](NodeIndex index) {
      return index < nodes_.size() ? nodes_[index].get() : nullptr;
    };
  }

  Node& add(const NodeOptions& options = {});
  [[nodiscard]] Node& node(NodeIndex index) { return *nodes_.at(index); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Network& network() { return world_.network; }
  [[nodiscard]] const Content& content() const { return world_.content; }

  /// Both directions.
  void set_path(const Node& a, const Node& b, Path path);
  /// The same, with the rate towards `target` only.
  void set_source_path(const Node& source, const Node& target, Path path);

  /// `span` after the simulation began.
  void at(Duration span, std::function<void()> action);
  /// Runs until `done`, or for so long. True: done.
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::hours(1));
  void run_for(Duration span);
  /// Since it began, in seconds.
  [[nodiscard]] double elapsed() const;
  [[nodiscard]] double elapsed_at(TimePoint when) const;
  [[nodiscard]] std::uint64_t trace() const { return world_.trace; }

 private:
  World world_;
  const TimePoint begun_ = world_.events.now();
  std::vector<std::unique_ptr<Node>> nodes_;
};

/// Bytes per second.
[[nodiscard]] constexpr double mbit(double megabits) {
  return megabits * 125'000;
}
/// Blocks of an image of so many MiB.
[[nodiscard]] constexpr BlockCount mib(std::uint64_t size) {
  return BlockCount(size * 256);
}

}  // namespace weft::sim
