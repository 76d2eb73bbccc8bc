// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "tests/sim/event_queue.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace weft::sim {

using NodeIndex = std::uint32_t;
using SiteIndex = std::uint32_t;
enum class FlowId : std::uint64_t {};

/// What a node's traffic shares. Bytes per second; 0 = no limit.
struct Access {
  double up = 0;
  double down = 0;
  std::optional<SiteIndex> site = {};  ///< whose uplink it shares towards other sites
};
/// What lies between two nodes, in one direction.
struct Path {
  double rate = 0;  ///< bytes per second; 0 = no limit
  Duration delay = std::chrono::milliseconds(10);
  Duration jitter{0};  ///< up to so much more, evenly; nothing overtakes because of it
};
/// A frame: its size on the wire, and what its arrival does.
struct Parcel {
  std::size_t bytes = 0;
  std::move_only_function<void()> arrive;
};

/// Links between nodes. A flow is one direction of a connection: bulk, in order. A parcel passes,
/// one behind the other, the sender's uplink, its site's, the path and the receiver's downlink;
/// each carries one parcel at a time. An uplink takes parcels from its flows in turn, as TCP flows
/// share one; a flow whose parcels queue further on is passed over (its congestion window is full).
/// Messages are small and meet nothing but the delay.
class Network {
 public:
  Network(EventQueue& events, std::uint64_t seed) : events_(events), random_(seed) {}

  NodeIndex add(Access access);
  SiteIndex add_site(double up);
  void set_path(NodeIndex from, NodeIndex to, Path path);
  [[nodiscard]] const Path& path(NodeIndex from, NodeIndex to) const;
  /// Of paths that were not set.
  void set_default_path(Path path) { default_path_ = path; }

  /// `pull` gives the next parcel, or none; then it is not asked before `ready`.
  using Pull = std::move_only_function<std::optional<Parcel>()>;
  FlowId open(NodeIndex from, NodeIndex to, Pull pull);
  /// What is on its way never arrives.
  void close(FlowId flow);
  void ready(FlowId flow);
  void message(NodeIndex from, NodeIndex to, std::move_only_function<void()> arrive);

  // --- Faults.
  /// Everything from and to the node is lost, silently.
  void cut(NodeIndex node) { nodes_.at(node).cut = true; }
  /// The node neither sends nor takes anything until it is thawed; what it was sent waits.
  void freeze(NodeIndex node) { nodes_.at(node).frozen = true; }
  void thaw(NodeIndex node);
  [[nodiscard]] bool frozen(NodeIndex node) const { return nodes_.at(node).frozen; }
  /// Its uplink carries this fraction of what it did.
  void throttle(NodeIndex node, double factor);
  /// The path carries nothing for so long.
  void interrupt(NodeIndex from, NodeIndex to, Duration span);

  [[nodiscard]] std::uint64_t bytes_sent(NodeIndex node) const { return nodes_.at(node).sent; }

 private:
  /// Carries parcels one after the other.
  struct Line {
    double rate = 0;
    TimePoint free{};
    TimePoint carry(TimePoint now, std::size_t bytes);
  };
  struct Node {
    Line up, down;
    std::optional<SiteIndex> site;
    std::deque<FlowId> waiting;                        // flows with something to send, in turn
    std::deque<std::move_only_function<void()>> held;  // while it is frozen
    bool sending = false;
    bool cut = false;
    bool frozen = false;
    std::uint64_t sent = 0;
  };
  struct Way {  // of a pair of nodes
    Path path;
    Line line;
    TimePoint last_message{};
  };
  struct Flow {
    NodeIndex from = 0, to = 0;
    Pull pull;
    std::size_t in_network = 0;
    bool waiting = false;  // in its node's list
    bool full = false;     // passed over until something arrives
    TimePoint last_arrival{};
  };

  void pump(NodeIndex node);
  [[nodiscard]] std::optional<Parcel> next_parcel(NodeIndex node, FlowId& from);
  void transmit(FlowId id, Flow& flow, Parcel parcel);
  void pass_on(FlowId id, Parcel parcel);
  void arrive(FlowId id, Parcel parcel);
  void take(NodeIndex node, std::move_only_function<void()> what);
  [[nodiscard]] std::size_t window(const Flow& flow) const;
  [[nodiscard]] Duration delay(const Path& path);
  Way& way(NodeIndex from, NodeIndex to);

  EventQueue& events_;
  std::mt19937_64 random_;
  std::deque<Node> nodes_;
  std::vector<Line> sites_;
  Path default_path_;
  std::map<std::pair<NodeIndex, NodeIndex>, Way> ways_;
  std::map<FlowId, Flow> flows_;
  std::uint64_t last_flow_ = 0;
};

}  // namespace weft::sim
