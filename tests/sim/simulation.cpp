// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulation.h"

#include <utility>

namespace weft::sim {

Node& Simulation::add(const NodeOptions& options) {
  const NodeIndex index = world_.network.add(options.access);
  nodes_.push_back(std::make_unique<Node>(world_, index, options));
  return *nodes_.back();
}

void Simulation::set_path(const Node& a, const Node& b, Path path) {
  world_.network.set_path(a.index(), b.index(), path);
  world_.network.set_path(b.index(), a.index(), path);
}

void Simulation::set_source_path(const Node& source, const Node& target, Path path) {
  world_.network.set_path(source.index(), target.index(), path);
  path.rate = 0;
  world_.network.set_path(target.index(), source.index(), path);
}

void Simulation::at(Duration span, std::function<void()> action) {
  world_.events.at(begun_ + span, std::move(action));
}

bool Simulation::run_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = world_.events.now() + limit;
  while (!done()) {
    if (world_.events.empty() || world_.events.now() > end) return false;
    world_.events.run_next();
  }
  return true;
}

void Simulation::run_for(Duration span) {
  bool over = false;
  world_.events.after(span, [&over] { over = true; });
  while (!over)
    world_.events.run_next();
}

double Simulation::elapsed() const {
  return elapsed_at(world_.events.now());
}

double Simulation::elapsed_at(TimePoint when) const {
  return to_seconds(when - begun_);
}

}  // namespace weft::sim
