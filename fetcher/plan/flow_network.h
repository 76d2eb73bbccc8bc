// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::fetcher::plan {

/// A directed network with capacities, costs and a flow that is only ever augmented: what is raised
/// later continues from where it is. Add arcs, `build()`, then the rest.
///
/// Capacities are doubles and the bottleneck of every augmentation is emptied to exactly 0, so that
/// the usual proofs of termination hold. Costs are integers: "reduced cost is 0" is exact.
class FlowNetwork {
 public:
  using Node = std::uint32_t;
  using Arc = std::uint32_t;  ///< in order of adding

  explicit FlowNetwork(std::size_t nodes) : nodes_(nodes) {}
  Arc add_arc(Node from, Node to, double capacity, std::int64_t cost = 0);
  void build();

  /// Keeps the flow, which must not be more.
  void set_capacity(Arc arc, double capacity);
  [[nodiscard]] double flow(Arc arc) const { return residual_[arcs_[position_[arc]].twin]; }
  void clear_flow();

  /// Augments to a maximum flow by blocking flows (Dinic 1970). Costs do not matter.
  void maximise(Node start, Node end);
  /// After `maximise`: on the start's side of the smallest minimum cut.
  [[nodiscard]] bool cut_off(Node node) const { return level_[node] != unreached; }

  /// From no flow to a maximum flow of least cost: shortest paths by potentials (Edmonds, Karp
  /// 1972), all paths of one length by blocking flows. Costs must not be negative.
  void maximise_cheaply(Node start, Node end);
  /// After `maximise_cheaply`: an optimal dual solution. For any capacities c and amount F,
  ///   F × (potential(end) − potential(start)) + Σ c(a) × min(0, reduced cost of a)
  /// is at most the cost of sending F.
  [[nodiscard]] std::int64_t potential(Node node) const { return potential_[node]; }

 private:
  struct Half {
    Node to;
    std::uint32_t twin;
  };
  struct Pending {
    Node from;
    Node to;
    double capacity;
    std::int64_t cost;
  };
  static constexpr std::uint32_t unreached = ~std::uint32_t{0};

  template <bool priced>
  [[nodiscard]] bool usable(Node from, std::uint32_t half) const;
  template <bool priced>
  [[nodiscard]] bool find_levels(Node start, Node end);
  template <bool priced>
  void block(Node start, Node end);
  template <bool priced>
  void augment_all(Node start, Node end);
  [[nodiscard]] Node augment_path(Node start);
  [[nodiscard]] bool raise_potentials(Node start, Node end);

  std::size_t nodes_;
  std::vector<Pending> pending_;
  std::vector<std::uint32_t> begins_;    // of each node's halves
  std::vector<Half> arcs_;               // an arc and its reverse are two halves
  std::vector<double> residual_;         // by half
  std::vector<std::int64_t> cost_;       // by half; empty: all are 0
  std::vector<std::uint32_t> position_;  // of each arc's forward half
  std::vector<std::uint32_t> level_;
  std::vector<std::uint32_t> current_;
  std::vector<Node> queue_;
  std::vector<std::uint32_t> path_;
  std::vector<std::int64_t> potential_;
};

}  // namespace weft::fetcher::plan
