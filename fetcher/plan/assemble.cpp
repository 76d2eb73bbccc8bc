// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/assemble.h"

#include "fetcher/plan/bound.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

namespace weft::fetcher::plan {
namespace {

struct Part {
  SourceIndex source = 0;
  std::uint64_t bytes = 0;
};

// Rounds the shares of one class after another. What a source has got too little so far is carried
// on: it is the first to get a byte that is left over.
class Rounding {
 public:
  Rounding(std::size_t sources, std::size_t tiers) : owed_by_tier_(tiers) {
    for (std::vector<double>& owed : owed_by_tier_)
      owed.assign(sources, 0);
  }

  // `exact` by holder; the parts add up to `total`.
  void round(std::size_t tier, std::span<const SourceIndex> holders, std::span<const double> exact,
             std::uint64_t total, std::vector<Part>& parts) {
    std::vector<double>& owed = owed_by_tier_[tier];
    parts.clear();
    std::uint64_t given = 0;
    for (std::size_t i = 0; i < holders.size(); ++i) {
      if (exact[i] <= 0) continue;
      const auto whole = std::min(static_cast<std::uint64_t>(exact[i]), total - given);
      owed[holders[i]] += exact[i] - static_cast<double>(whole);
      given += whole;
      parts.push_back({holders[i], whole});
    }
    if (parts.empty()) parts.push_back({holders.front(), 0});  // less than any rounding
    std::ranges::sort(parts, std::greater{}, [&](const Part& part) { return owed[part.source]; });
    const std::uint64_t each = (total - given) / parts.size();
    std::uint64_t more = (total - given) % parts.size();
    for (Part& part : parts) {
      const std::uint64_t extra = each + (more > 0 ? 1 : 0);
      if (more > 0) --more;
      part.bytes += extra;
      owed[part.source] -= static_cast<double>(extra);
    }
  }

 private:
  std::vector<std::vector<double>> owed_by_tier_;
};

// Work that a shared source does in a slot is done in an earlier one, where there is room: the flow
// only says that all is done in time.
class Earlier {
 public:
  Earlier(const Links& links, std::vector<SlotFlow>& flows) : links_(links), flows_(flows) {
    for (std::size_t i = 0; i < flows.size(); ++i)
      of_source_[flows[i].source].push_back(i);
  }

  void pull() {
    std::map<SourceIndex, std::size_t> at;
    for (std::size_t first = 0; first < flows_.size();) {
      std::size_t stop = first;
      while (stop < flows_.size() && flows_[stop].begin == flows_[first].begin)
        ++stop;
      measure_room(first, stop);
      for (std::size_t i = first; i < stop; ++i)
        fill(i);
      first = stop;
    }
  }

 private:
  void measure_room(std::size_t first, std::size_t stop) {
    const double length = flows_[first].end - flows_[first].begin;
    ingress_ = links_.ingress * length;
    sites_ = links_.uplinks;
    for (double& site : sites_)
      site *= length;
    for (std::size_t i = first; i < stop; ++i)
      take(flows_[i].source, flows_[i].bytes);
  }
  void take(SourceIndex p, double bytes) {
    ingress_ -= bytes;
    if (links_.capped(p)) sites_[links_.sources[p].site] -= bytes;
  }
  void fill(std::size_t i) {
    SlotFlow& here = flows_[i];
    const Link& link = links_.sources[here.source];
    std::vector<std::size_t>& own = of_source_[here.source];
    std::size_t& next = next_[here.source];
    while (next < own.size() && (own[next] <= i || flows_[own[next]].bytes <= 0))
      ++next;
    while (next < own.size()) {
      double room = std::min(link.rate * (here.end - here.begin) - here.bytes, ingress_);
      if (links_.capped(here.source)) room = std::min(room, sites_[link.site]);
      SlotFlow& later = flows_[own[next]];
      const double moved = std::min(room, later.bytes);
      if (moved <= 0) return;
      later.bytes -= moved;
      here.bytes += moved;
      take(here.source, moved);
      if (later.bytes <= 0) ++next;
    }
  }

  const Links& links_;
  std::vector<SlotFlow>& flows_;
  std::map<SourceIndex, std::vector<std::size_t>> of_source_;
  std::map<SourceIndex, std::size_t> next_;
  std::vector<double> sites_;
  double ingress_ = 0;
};

void add_segment(SourcePlan& source, const SlotFlow& flow, double scale) {
  const double bytes = flow.bytes * scale;
  if (!source.segments.empty()) {
    Segment& last = source.segments.back();
    const double rate = bytes / (flow.end - flow.begin);
    const bool even = std::abs(last.bytes - rate * (last.end - last.begin)) <= 1e-9 * last.bytes;
    if (last.end == flow.begin && even) {
      last.end = flow.end;
      last.bytes += bytes;
      return;
    }
  }
  source.segments.push_back({flow.begin, flow.end, bytes});
}

void count_bytes(const Problem& problem, const Links& links, Plan& plan) {
  std::vector<std::array<std::uint64_t, max_tiers + 1>> bytes(plan.sources.size());
  for (const Share& share : plan.shares)
    bytes[share.source][problem.classes[share.transfer_class].tier] += share.bytes;
  for (const SourceIndex p : each_source(plan.sources.size())) {
    SourcePlan& source = plan.sources[p];
    for (Tier tier = 1; tier <= max_tiers; ++tier) {
      if (bytes[p][tier] == 0) continue;
      source.bytes += bytes[p][tier];
      source.tiers.push_back({tier, bytes[p][tier], 0});
    }
    source.cost = static_cast<double>(source.bytes) * links.sources[p].price;
    plan.cost += source.cost;
  }
}

}  // namespace

Plan empty_plan(const Problem& problem, const Links& links) {
  Plan plan;
  plan.sources.resize(problem.sources.size());
  plan.least_cost = least_cost(problem);
  std::array<std::uint64_t, max_tiers + 1> bytes{};
  for (ClassIndex index = 0; index < problem.classes.size(); ++index) {
    const TransferClass& c = problem.classes[index];
    if (c.bytes == 0) continue;
    const auto holders = problem.holder_sets[c.holders];
    if (std::ranges::any_of(holders, [&](SourceIndex p) { return links.usable(p); })) {
      bytes[c.tier] += c.bytes;
    } else {
      plan.unheld.push_back(index);
      plan.unheld_bytes += c.bytes;
    }
  }
  for (Tier tier = 1; tier <= max_tiers; ++tier) {
    if (bytes[tier] == 0) continue;
    TierPlan& added = plan.tiers.emplace_back();
    added.tier = tier;
    added.bytes = bytes[tier];
  }
  return plan;
}

void take_shares(const Problem& problem, const Model& model, const PlanNetwork& network,
                 Plan& plan) {
  std::vector<double> left;  // of every membership, what is not given to a class of the problem yet
  for (std::size_t m = 0; m < model.members.size(); ++m)
    left.push_back(network.share(m));
  std::vector<double> weight(model.size(), 0);
  for (std::size_t c = 0; c < model.size(); ++c)
    weight[c] = model.bytes[c];
  Rounding rounding(problem.sources.size(), model.tiers.size());
  std::vector<double> exact;
  std::vector<Part> parts;
  for (ClassIndex c = 0; c < problem.classes.size(); ++c) {
    const std::uint32_t m = model.model_class[c];
    if (m == Model::no_class) continue;
    const auto holders = model.holders(m);
    const std::span shares(left.begin() + static_cast<std::ptrdiff_t>(model.begins[m]),
                           holders.size());
    const auto bytes = static_cast<double>(problem.classes[c].bytes);
    exact.assign(holders.size(), 0);
    double missing = bytes;
    for (std::size_t i = 0; i < holders.size(); ++i) {
      exact[i] = weight[m] <= bytes ? shares[i] : std::min(missing, shares[i]);
      missing -= exact[i];
      shares[i] -= exact[i];
    }
    weight[m] -= bytes;
    rounding.round(model.tier[m], holders, exact, problem.classes[c].bytes, parts);
    std::ranges::sort(parts, {}, &Part::source);
    for (const Part& part : parts)
      if (part.bytes > 0) plan.shares.push_back({c, part.source, part.bytes});
  }
}

void take_times(const Problem& problem, const Links& links, std::vector<SlotFlow> flows,
                Plan& plan) {
  count_bytes(problem, links, plan);
  Earlier(links, flows).pull();
  std::vector<double> all(plan.sources.size(), 0);
  for (const SlotFlow& flow : flows)
    all[flow.source] += flow.bytes;
  std::erase_if(flows, [&](const SlotFlow& flow) {  // what rounding has left behind
    return flow.bytes <= std::min(rounding_bytes, 1e-3 * all[flow.source]);
  });
  std::vector<double> sent(plan.sources.size(), 0);
  for (const SlotFlow& flow : flows)
    sent[flow.source] += flow.bytes;
  for (const SlotFlow& flow : flows) {
    SourcePlan& source = plan.sources[flow.source];
    if (source.bytes > 0)
      add_segment(source, flow, static_cast<double>(source.bytes) / sent[flow.source]);
  }
  std::array<double, max_tiers + 1> finish{};
  for (const SourceIndex p : each_source(plan.sources.size())) {
    SourcePlan& source = plan.sources[p];
    const Link& link = links.sources[p];
    const auto bytes = static_cast<double>(source.bytes);
    if (source.bytes > 0 && source.segments.empty())
      source.segments.push_back({link.delay, link.delay + bytes / link.rate, bytes});
    double so_far = 0;
    for (SourceTier& tier : source.tiers) {
      so_far += static_cast<double>(tier.bytes);
      tier.finish = source.time_of(so_far);
      source.finish = tier.finish;
      finish[tier.tier] = std::max(finish[tier.tier], tier.finish);
    }
  }
  double latest = 0;
  for (TierPlan& tier : plan.tiers)
    tier.finish = latest = std::max(latest, finish[tier.tier]);
}

double SourcePlan::time_of(double first) const {
  for (const Segment& segment : segments) {
    if (first <= segment.bytes + rounding_bytes)
      return segment.begin + (segment.end - segment.begin) * std::min(1.0, first / segment.bytes);
    first -= segment.bytes;
  }
  return segments.empty() ? 0 : segments.back().end;
}

void take_bounds(const Problem& problem, const Model& model, const std::vector<TierTime>& times,
                 Plan& plan) {
  for (std::size_t k = 0; k < times.size(); ++k) {
    TierPlan& tier = plan.tiers[k];
    tier.fastest = times[k].finish;
    if (times[k].cut.empty() && k > 0) {
      tier.bound = plan.tiers[k - 1].bound;
    } else {
      std::vector<bool> in_cut(model.size(), false);
      for (const std::uint32_t m : times[k].cut)
        in_cut[m] = true;
      tier.bound.tier = tier.tier;
      for (ClassIndex c = 0; c < model.model_class.size(); ++c)
        if (model.model_class[c] != Model::no_class && in_cut[model.model_class[c]])
          tier.bound.classes.push_back(c);
      complete_bound(problem, plan, tier.bound);
    }
    plan.gap = std::max(plan.gap, tier.fastest / tier.bound.at_least - 1);
  }
}

}  // namespace weft::fetcher::plan
