// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/plan_network.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace weft::fetcher::plan {
namespace {

using Node = FlowNetwork::Node;
constexpr Node start = 0;
constexpr Node end = 1;
constexpr Node first_class = 2;

std::size_t count_nodes(const Model& model) {
  const std::size_t tiers = model.tiers.size();
  const std::size_t slots = model.delays.size() * tiers;
  return first_class + model.size() + tiers * model.links.sources.size() +
         slots * (model.links.uplinks.size() + 1);
}

// Integer costs, as fine as sums along a path that passes every source allow.
double cost_unit(const Links& links) {
  double most = 0;
  for (const Link& link : links.sources)
    most = std::max(most, link.rate > 0 ? link.price : 0);
  return most / static_cast<double>(std::int64_t{1} << (60 - std::bit_width(links.sources.size())));
}

// What every second more of a tier gains, by the dual solution: so much in a slot, so much for each
// source alone from its delay on.
class Gains {
 public:
  explicit Gains(std::span<const double> slots) : slots_(slots), by_slot_(slots.size(), 0) {}

  void add_in_slot(std::size_t slot, double gain) { by_slot_[slot] += gain; }
  void add_from(double time, double gain) { alone_.emplace_back(time, gain); }

  // When `missing` is gained, from `now` on.
  double time_of(double missing, double now) {
    std::ranges::sort(alone_);
    double alone = 0;
    for (std::size_t next = 0;;) {
      while (next < alone_.size() && alone_[next].first <= now)
        alone += alone_[next++].second;
      const auto after = std::ranges::upper_bound(slots_, now);
      const bool open = after != slots_.begin();
      const double gain =
          alone + (open ? by_slot_[static_cast<std::size_t>(after - slots_.begin()) - 1] : 0);
      const double change = std::min(after == slots_.end() ? never : *after,
                                     next < alone_.size() ? alone_[next].first : never);
      if (missing <= 0) return now;
      const double there = gain > 0 ? now + missing / gain : never;
      if (there <= change) return there;
      missing -= gain * (change - now);
      now = change;
    }
  }

 private:
  std::span<const double> slots_;  // when each begins
  std::vector<double> by_slot_;
  std::vector<std::pair<double, double>> alone_;  // from when, how much
};

}  // namespace

PlanNetwork::PlanNetwork(const Model& model)
    : model_(model),
      sites_(model.links.uplinks.size()),
      slots_(model.delays.size()),
      network_(count_nodes(model)),
      cost_unit_(cost_unit(model.links)),
      finish_(model.tiers.size(), 0),
      timed_(model.tiers.size()) {
  add_class_arcs();
  for (std::size_t tier = 0; tier < model.tiers.size(); ++tier) {
    add_source_arcs(tier);
    add_shared_arcs(tier);
  }
  network_.build();
}

Node PlanNetwork::class_node(std::size_t c) const {
  return static_cast<Node>(first_class + c);
}
Node PlanNetwork::source_node(SourceIndex p, std::size_t tier) const {
  return static_cast<Node>(first_class + model_.size() + tier * model_.links.sources.size() + p);
}
Node PlanNetwork::ingress_node(std::size_t tier, std::size_t slot) const {
  const std::size_t first = source_node(0, model_.tiers.size());
  return static_cast<Node>(first + (tier * slots_ + slot) * (sites_ + 1));
}
Node PlanNetwork::site_node(std::size_t site, std::size_t tier, std::size_t slot) const {
  return static_cast<Node>(ingress_node(tier, slot) + 1 + site);
}

// The start's arcs first: arc number = class. Then the holders': size() + membership.
void PlanNetwork::add_class_arcs() {
  for (std::size_t c = 0; c < model_.size(); ++c)
    network_.add_arc(start, class_node(c), 0);
  for (std::size_t c = 0; c < model_.size(); ++c)
    for (const SourceIndex p : model_.holders(c))
      network_.add_arc(class_node(c), source_node(p, model_.tier[c]), never);
}

void PlanNetwork::add_timed(std::size_t tier, Node from, Node to, TimedArc arc) {
  arc.from = from;
  arc.to = to;
  arc.arc = network_.add_arc(from, to, 0, arc.cost);
  timed_[tier].push_back(arc);
}

void PlanNetwork::add_source_arcs(std::size_t tier) {
  const Links& links = model_.links;
  for (const SourceIndex p : each_source(links.sources.size())) {
    const Link& link = links.sources[p];
    if (link.rate <= 0) continue;
    const Node node = source_node(p, tier);
    if (tier > 0) network_.add_arc(node, source_node(p, tier - 1), never);
    const std::int64_t cost = cost_unit_ > 0 ? std::llround(link.price / cost_unit_) : 0;
    TimedArc arc{0, 0, 0, link.rate, link.delay, never, p, cost, 0};
    if (!link.shared) {
      add_timed(tier, node, end, arc);
      continue;
    }
    for (std::size_t i = 0; i < slots_; ++i) {
      if (model_.delays[i] < link.delay) continue;
      arc.slot = static_cast<std::uint32_t>(i);
      arc.begin = model_.delays[i];
      arc.end = i + 1 < slots_ ? model_.delays[i + 1] : never;
      const bool site = links.capped(p);
      add_timed(tier, node, site ? site_node(link.site, tier, i) : ingress_node(tier, i), arc);
    }
  }
}

void PlanNetwork::add_shared_arcs(std::size_t tier) {
  const Links& links = model_.links;
  for (std::size_t i = 0; i < slots_; ++i) {
    TimedArc arc{0,
                 0,
                 0,
                 0,
                 model_.delays[i],
                 i + 1 < slots_ ? model_.delays[i + 1] : never,
                 no_source,
                 0,
                 static_cast<std::uint32_t>(i)};
    const bool ingress = links.ingress < never;
    for (std::size_t s = 0; s < sites_; ++s) {
      if (links.uplinks[s] == never) continue;
      arc.rate = links.uplinks[s];
      add_timed(tier, site_node(s, tier, i), ingress ? ingress_node(tier, i) : end, arc);
    }
    arc.rate = links.ingress;
    if (ingress) add_timed(tier, ingress_node(tier, i), end, arc);
  }
}

void PlanNetwork::want(std::size_t tier) {
  wanted_ = tier + 1;
  for (std::size_t c = 0; c < model_.size(); ++c)
    if (model_.tier[c] == tier)
      network_.set_capacity(static_cast<FlowNetwork::Arc>(c), model_.bytes[c]);
}

double PlanNetwork::capacity(std::size_t tier, const TimedArc& arc, double finish) const {
  const double from = std::max(arc.begin, begin_of(tier));
  const double to = std::min(arc.end, finish);
  return to > from ? arc.rate * (to - from) : 0;
}

void PlanNetwork::set_finish(std::size_t tier, double time) {
  finish_[tier] = time;
  for (const TimedArc& arc : timed_[tier])
    network_.set_capacity(arc.arc, capacity(tier, arc, time));
}

void PlanNetwork::reset(std::span<const double> finish) {
  network_.clear_flow();
  for (std::size_t tier = 0; tier < finish.size(); ++tier)
    set_finish(tier, finish[tier]);
}

std::vector<std::uint32_t> PlanNetwork::carry() {
  network_.maximise(start, end);
  std::vector<std::uint32_t> cut;
  for (std::size_t c = 0; c < model_.size(); ++c)
    if (model_.tier[c] < wanted_ && network_.cut_off(class_node(c)))
      cut.push_back(static_cast<std::uint32_t>(c));
  return cut;
}

double PlanNetwork::carry_cheaply() {
  network_.clear_flow();
  network_.maximise_cheaply(start, end);
  double cost = 0;
  for (const auto& arcs : timed_)
    for (const TimedArc& arc : arcs)
      if (arc.cost > 0) cost += network_.flow(arc.arc) * static_cast<double>(arc.cost);
  return cost * cost_unit_;
}

// Slots that are not open have no potentials of their own: those of the last open one, whose form
// is the same, give a bound that is true (any would) and good.
Node PlanNetwork::like_open(std::size_t tier, Node node) const {
  if (node < ingress_node(tier, 0) || node >= ingress_node(tier, 0) + slots_ * (sites_ + 1))
    return node;
  std::size_t open = slots_;
  for (std::size_t i = 0; i < slots_ && model_.delays[i] < finish_[tier]; ++i)
    open = i;
  const std::size_t slot = (node - ingress_node(tier, 0)) / (sites_ + 1);
  if (open == slots_ || slot <= open) return node;
  return static_cast<Node>(node - (slot - open) * (sites_ + 1));
}

double PlanNetwork::dual_gain(std::size_t tier, const TimedArc& arc) const {
  const std::int64_t reduced = arc.cost + network_.potential(like_open(tier, arc.from)) -
                               network_.potential(like_open(tier, arc.to));
  return reduced < 0 ? -static_cast<double>(reduced) * cost_unit_ : 0;
}

double PlanNetwork::time_to_afford(std::size_t tier, double budget) const {
  double bound = 0;
  const auto total = network_.potential(end) - network_.potential(start);
  for (std::size_t c = 0; c < model_.size(); ++c)
    if (model_.tier[c] < wanted_)
      bound += model_.bytes[c] * cost_unit_ *
               static_cast<double>(
                   total + std::min<std::int64_t>(
                               0, network_.potential(start) - network_.potential(class_node(c))));
  for (std::size_t k = 0; k <= tier; ++k)
    for (const TimedArc& arc : timed_[k])
      bound -= dual_gain(k, arc) * capacity(k, arc, finish_[k]);
  Gains gains(model_.delays);
  for (const TimedArc& arc : timed_[tier]) {
    const double more = dual_gain(tier, arc) * arc.rate;
    const bool shared = arc.source == no_source || model_.links.sources[arc.source].shared;
    shared ? gains.add_in_slot(arc.slot, more) : gains.add_from(arc.begin, more);
  }
  return gains.time_of(bound - budget, finish_[tier]);
}

double PlanNetwork::share(std::size_t membership) const {
  return network_.flow(static_cast<FlowNetwork::Arc>(model_.size() + membership));
}

std::vector<SlotFlow> PlanNetwork::slot_flows() const {
  std::vector<SlotFlow> flows;
  for (std::size_t tier = 0; tier < timed_.size(); ++tier) {
    for (const TimedArc& arc : timed_[tier]) {
      if (arc.source == no_source || !model_.links.sources[arc.source].shared) continue;
      const double from = std::max(arc.begin, begin_of(tier));
      const double to = std::min(arc.end, finish_[tier]);
      if (to > from) flows.push_back({from, to, arc.source, network_.flow(arc.arc)});
    }
  }
  std::ranges::sort(flows, {},
                    [](const SlotFlow& flow) { return std::pair(flow.begin, flow.source); });
  return flows;
}

}  // namespace weft::fetcher::plan
