// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/flow_network.h"
#include "fetcher/plan/model.h"

#include <cstdint>
#include <span>
#include <vector>

namespace weft::fetcher::plan {

/// A stretch of time in which every source, uplink and ingress is constant, and what flows in it.
struct SlotFlow {
  double begin = 0;
  double end = 0;
  SourceIndex source = 0;
  double bytes = 0;
};

/// The flow network of a model (drawn in fetcher/README.md, "The plan"), for all tiers at once.
/// Tiers are wanted one after another; a tier's slots open from the finish of the tier before to
/// its own. The flow is kept when more is wanted or a tier gets more time.
class PlanNetwork {
 public:
  /// `model` must outlive this.
  explicit PlanNetwork(const Model& model);

  /// The classes of `tier` must be carried, from now on.
  void want(std::size_t tier);
  /// When `tier` must be here: not before what it was, and not before the tiers before it.
  void set_finish(std::size_t tier, double time);
  [[nodiscard]] double finish(std::size_t tier) const { return finish_[tier]; }
  /// Forgets the flow and all times; what is wanted stays.
  void reset(std::span<const double> finish);

  /// Carries as much as can be; the classes of the smallest minimum cut, none if everything
  /// wanted is carried.
  [[nodiscard]] std::vector<std::uint32_t> carry();

  /// Carries as much as can be, at the least cost; the cost.
  double carry_cheaply();
  /// After `carry_cheaply`: the least time of the last wanted tier at which, as far as the dual
  /// solution can tell, all is carried for `budget`. Never later than the true one.
  [[nodiscard]] double time_to_afford(std::size_t tier, double budget) const;

  /// By class and holder, as `model.members`.
  [[nodiscard]] double share(std::size_t membership) const;
  /// What shared sources send when, in order of time.
  [[nodiscard]] std::vector<SlotFlow> slot_flows() const;

 private:
  struct TimedArc {
    FlowNetwork::Arc arc;
    FlowNetwork::Node from;
    FlowNetwork::Node to;
    double rate;
    double begin;
    double end;
    SourceIndex source;  // or no_source
    std::int64_t cost;
    std::uint32_t slot;  // of its tier
  };
  static constexpr SourceIndex no_source = static_cast<SourceIndex>(-1);

  [[nodiscard]] FlowNetwork::Node class_node(std::size_t c) const;
  [[nodiscard]] FlowNetwork::Node source_node(SourceIndex p, std::size_t tier) const;
  [[nodiscard]] FlowNetwork::Node site_node(std::size_t site, std::size_t tier,
                                            std::size_t slot) const;
  [[nodiscard]] FlowNetwork::Node ingress_node(std::size_t tier, std::size_t slot) const;
  void add_class_arcs();
  void add_source_arcs(std::size_t tier);
  void add_shared_arcs(std::size_t tier);
  void add_timed(std::size_t tier, FlowNetwork::Node from, FlowNetwork::Node to, TimedArc arc);
  [[nodiscard]] double begin_of(std::size_t tier) const {
    return tier == 0 ? 0 : finish_[tier - 1];
  }
  [[nodiscard]] double capacity(std::size_t tier, const TimedArc& arc, double finish) const;
  [[nodiscard]] double dual_gain(std::size_t tier, const TimedArc& arc) const;
  [[nodiscard]] FlowNetwork::Node like_open(std::size_t tier, FlowNetwork::Node node) const;

  const Model& model_;
  std::size_t sites_;
  std::size_t slots_;
  FlowNetwork network_;
  double cost_unit_ = 0;  // money per byte of one unit of integer cost
  std::size_t wanted_ = 0;
  std::vector<double> finish_;
  std::vector<std::vector<TimedArc>> timed_;  // by tier
};

}  // namespace weft::fetcher::plan
