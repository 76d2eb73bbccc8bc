// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/network.h"

#include <algorithm>

namespace weft::sim {
namespace {

constexpr double no_limit = 1.25e9;                // bytes per second: what two processors exchange
constexpr std::size_t kernel_buffer = 128u << 10;  // of a connection, besides what its path holds

}  // namespace

TimePoint Network::Line::carry(TimePoint now, std::size_t bytes) {
  const double limit = rate > 0 ? rate : no_limit;
  free = std::max(free, now) + from_seconds(static_cast<double>(bytes) / limit);
  return free;
}

NodeIndex Network::add(Access access) {
  Node node;
  node.up.rate = access.up;
  node.down.rate = access.down;
  node.site = access.site;
  nodes_.push_back(std::move(node));
  return static_cast<NodeIndex>(nodes_.size() - 1);
}

SiteIndex Network::add_site(double up) {
  sites_.push_back({.rate = up, .free = {}});
  return static_cast<SiteIndex>(sites_.size() - 1);
}

Network::Way& Network::way(NodeIndex from, NodeIndex to) {
  const auto [it, added] = ways_.try_emplace({from, to});
  if (added) {
    it->second.path = default_path_;
    it->second.line.rate = default_path_.rate;
  }
  return it->second;
}

void Network::set_path(NodeIndex from, NodeIndex to, Path path) {
  Way& set = way(from, to);
  set.path = path;
  set.line.rate = path.rate;
}

const Path& Network::path(NodeIndex from, NodeIndex to) const {
  const auto it = ways_.find({from, to});
  return it == ways_.end() ? default_path_ : it->second.path;
}

Duration Network::delay(const Path& path) {
  if (path.jitter <= Duration(0)) return path.delay;
  return path.delay + Duration(static_cast<Duration::rep>(
                          random_() % static_cast<std::uint64_t>(path.jitter.count())));
}

// --- Flows.

FlowId Network::open(NodeIndex from, NodeIndex to, Pull pull) {
  const FlowId id{++last_flow_};
  Flow& flow = flows_[id];
  flow.from = from;
  flow.to = to;
  flow.pull = std::move(pull);
  return id;
}

void Network::close(FlowId flow) {
  const auto it = flows_.find(flow);
  if (it == flows_.end()) return;
  std::erase(nodes_[it->second.from].waiting, flow);
  flows_.erase(it);
}

void Network::ready(FlowId id) {
  const auto it = flows_.find(id);
  if (it == flows_.end() || it->second.waiting || it->second.full) return;
  it->second.waiting = true;
  nodes_[it->second.from].waiting.push_back(id);
  pump(it->second.from);
}

/// What TCP has on the path at most: what fills it, and the kernels' buffers.
std::size_t Network::window(const Flow& flow) const {
  const Path& between = path(flow.from, flow.to);
  const double up = nodes_[flow.from].up.rate > 0 ? nodes_[flow.from].up.rate : no_limit;
  const double rate = between.rate > 0 ? std::min(between.rate, up) : up;
  return kernel_buffer + static_cast<std::size_t>(rate * 2 * to_seconds(between.delay));
}

std::optional<Parcel> Network::next_parcel(NodeIndex index, FlowId& from) {
  Node& node = nodes_[index];
  while (!node.waiting.empty()) {
    const FlowId id = node.waiting.front();
    node.waiting.pop_front();
    Flow& flow = flows_.at(id);
    if (flow.in_network >= window(flow)) {
      flow.full = true;
      flow.waiting = false;
      continue;
    }
    std::optional<Parcel> parcel = flow.pull();
    if (!parcel) {
      flow.waiting = false;
      continue;
    }
    node.waiting.push_back(id);
    from = id;
    return parcel;
  }
  return std::nullopt;
}

void Network::pump(NodeIndex index) {
  Node& node = nodes_[index];
  if (node.sending || node.frozen) return;
  FlowId id{};
  std::optional<Parcel> parcel = next_parcel(index, id);
  if (!parcel) return;
  node.sending = true;
  node.sent += parcel->bytes;
  flows_.at(id).in_network += parcel->bytes;
  const TimePoint sent = node.up.carry(events_.now(), parcel->bytes);
  events_.at(sent, [this, index, id, p = *std::move(parcel)]() mutable {
    nodes_[index].sending = false;
    pass_on(id, std::move(p));
    pump(index);
  });
}

void Network::pass_on(FlowId id, Parcel parcel) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  Flow& flow = it->second;
  const Node& from = nodes_[flow.from];
  if (from.cut || nodes_[flow.to].cut) return;
  TimePoint at = events_.now();
  if (from.site && from.site != nodes_[flow.to].site) {
    at = sites_[*from.site].carry(at, parcel.bytes);
  }
  Way& between = way(flow.from, flow.to);
  if (between.line.rate > 0 || between.line.free > at) {
    at = between.line.carry(at, parcel.bytes);
  }
  at = std::max(at + delay(between.path), flow.last_arrival);
  flow.last_arrival = at;
  events_.at(at, [this, id, p = std::move(parcel)]() mutable { arrive(id, std::move(p)); });
}

void Network::arrive(FlowId id, Parcel parcel) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  Node& to = nodes_[it->second.to];
  if (to.cut) return;
  const TimePoint done = to.down.carry(events_.now(), parcel.bytes);
  const std::size_t bytes = parcel.bytes;
  events_.at(done, [this, id, bytes, p = std::move(parcel)]() mutable {
    const auto found = flows_.find(id);
    if (found == flows_.end()) return;
    Flow& flow = found->second;
    flow.in_network -= bytes;
    if (std::exchange(flow.full, false)) ready(id);
    take(flow.to, std::move(p.arrive));
  });
}

// --- Messages.

void Network::message(NodeIndex from, NodeIndex to, std::move_only_function<void()> arrives) {
  if (nodes_[from].cut || nodes_[from].frozen) return;
  Way& between = way(from, to);
  between.last_message = std::max(between.last_message, events_.now() + delay(between.path));
  events_.at(between.last_message, [this, from, to, what = std::move(arrives)]() mutable {
    if (nodes_[from].cut || nodes_[to].cut) return;
    take(to, std::move(what));
  });
}

void Network::take(NodeIndex node, std::move_only_function<void()> what) {
  if (nodes_[node].frozen) {
    nodes_[node].held.push_back(std::move(what));
  } else {
    what();
  }
}

// --- Faults.

void Network::thaw(NodeIndex index) {
  nodes_.at(index).frozen = false;
  auto held = std::exchange(nodes_[index].held, {});
  for (auto& what : held)
    what();
  pump(index);
}

void Network::throttle(NodeIndex node, double factor) {
  Line& up = nodes_.at(node).up;
  up.rate = (up.rate > 0 ? up.rate : no_limit) * factor;
  for (auto& [pair, between] : ways_) {
    if (pair.first != node || between.line.rate <= 0) continue;
    between.line.rate *= factor;
    between.path.rate *= factor;
  }
}

void Network::interrupt(NodeIndex from, NodeIndex to, Duration span) {
  Line& line = way(from, to).line;
  line.free = std::max(line.free, events_.now() + span);
}

}  // namespace weft::sim
