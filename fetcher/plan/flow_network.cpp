// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/flow_network.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

namespace weft::fetcher::plan {

FlowNetwork::Arc FlowNetwork::add_arc(Node from, Node to, double capacity, std::int64_t cost) {
  pending_.push_back({from, to, capacity, cost});
  return static_cast<Arc>(pending_.size() - 1);
}

void FlowNetwork::build() {
  begins_.assign(nodes_ + 1, 0);
  for (const Pending& arc : pending_)
    ++begins_[arc.from + 1], ++begins_[arc.to + 1];
  for (std::size_t n = 0; n < nodes_; ++n)
    begins_[n + 1] += begins_[n];
  arcs_.resize(2 * pending_.size());
  residual_.assign(arcs_.size(), 0);
  if (std::ranges::any_of(pending_, [](const Pending& arc) { return arc.cost != 0; }))
    cost_.assign(arcs_.size(), 0);
  position_.resize(pending_.size());
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t a = 0; a < pending_.size(); ++a) {
    const Pending& arc = pending_[a];
    const std::uint32_t forth = next[arc.from]++;
    const std::uint32_t back = next[arc.to]++;
    arcs_[forth] = {arc.to, back};
    arcs_[back] = {arc.from, forth};
    residual_[forth] = arc.capacity;
    if (!cost_.empty()) cost_[forth] = arc.cost, cost_[back] = -arc.cost;
    position_[a] = forth;
  }
  pending_ = {};
  level_.assign(nodes_, unreached);
  potential_.assign(nodes_, 0);
}

void FlowNetwork::set_capacity(Arc arc, double capacity) {
  const std::uint32_t half = position_[arc];
  residual_[half] = std::max(0.0, capacity - residual_[arcs_[half].twin]);
}

void FlowNetwork::clear_flow() {
  for (const std::uint32_t half : position_) {
    residual_[half] += residual_[arcs_[half].twin];
    residual_[arcs_[half].twin] = 0;
  }
}

template <bool priced>
bool FlowNetwork::usable(Node from, std::uint32_t half) const {
  if (residual_[half] <= 0) return false;
  if constexpr (!priced) return true;
  const std::int64_t cost = cost_.empty() ? 0 : cost_[half];
  return cost + potential_[from] == potential_[arcs_[half].to];
}

template <bool priced>
bool FlowNetwork::find_levels(Node start, Node end) {
  level_.assign(nodes_, unreached);
  queue_.assign(1, start);
  level_[start] = 0;
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    const Node node = queue_[i];
    if (level_[end] != unreached && level_[node] + 1 >= level_[end]) return true;
    for (std::uint32_t half = begins_[node]; half < begins_[node + 1]; ++half) {
      const Node to = arcs_[half].to;
      if (level_[to] != unreached || !usable<priced>(node, half)) continue;
      level_[to] = level_[node] + 1;
      queue_.push_back(to);
    }
  }
  return level_[end] != unreached;
}

// Sends what fits along `path_`; the node from which it cannot go on.
FlowNetwork::Node FlowNetwork::augment_path(Node start) {
  double amount = std::numeric_limits<double>::infinity();
  for (const std::uint32_t half : path_)
    amount = std::min(amount, residual_[half]);
  std::size_t first = path_.size();
  for (std::size_t i = path_.size(); i-- > 0;) {
    const std::uint32_t half = path_[i];
    residual_[half] -= amount;
    residual_[arcs_[half].twin] += amount;
    if (residual_[half] <= 0) first = i;
  }
  path_.resize(first);
  return path_.empty() ? start : arcs_[path_.back()].to;
}

template <bool priced>
void FlowNetwork::block(Node start, Node end) {
  current_.assign(begins_.begin(), begins_.end() - 1);
  path_.clear();
  Node node = start;
  for (;;) {
    if (node == end) {
      node = augment_path(start);
      continue;
    }
    std::uint32_t& half = current_[node];
    const std::uint32_t stop = begins_[node + 1];
    while (half < stop &&
           (level_[arcs_[half].to] != level_[node] + 1 || !usable<priced>(node, half)))
      ++half;
    if (half < stop) {
      path_.push_back(half);
      node = arcs_[half].to;
      continue;
    }
    if (path_.empty()) return;
    level_[node] = unreached;  // a dead end
    node = arcs_[arcs_[path_.back()].twin].to;
    path_.pop_back();
    ++current_[node];
  }
}

template <bool priced>
void FlowNetwork::augment_all(Node start, Node end) {
  while (find_levels<priced>(start, end))
    block<priced>(start, end);
}

void FlowNetwork::maximise(Node start, Node end) {
  augment_all<false>(start, end);
}

// Adds to every potential its distance by reduced costs, at most that of the end. False: the end
// cannot be reached, and the potentials stay.
bool FlowNetwork::raise_potentials(Node start, Node end) {
  constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();
  using Entry = std::pair<std::int64_t, Node>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> nearest;
  std::vector<std::int64_t> distance(nodes_, far);
  distance[start] = 0;
  nearest.emplace(0, start);
  while (!nearest.empty()) {
    const auto [here, node] = nearest.top();
    nearest.pop();
    if (here > distance[node]) continue;
    if (node == end) break;
    for (std::uint32_t half = begins_[node]; half < begins_[node + 1]; ++half) {
      if (residual_[half] <= 0) continue;
      const Node to = arcs_[half].to;
      const std::int64_t there = here + cost_[half] + potential_[node] - potential_[to];
      if (there >= distance[to]) continue;
      distance[to] = there;
      nearest.emplace(there, to);
    }
  }
  if (distance[end] == far) return false;
  for (std::size_t n = 0; n < nodes_; ++n)
    potential_[n] += std::min(distance[n], distance[end]);
  return true;
}

void FlowNetwork::maximise_cheaply(Node start, Node end) {
  potential_.assign(nodes_, 0);
  if (cost_.empty()) return maximise(start, end);
  while (raise_potentials(start, end))
    augment_all<true>(start, end);
}

}  // namespace weft::fetcher::plan
