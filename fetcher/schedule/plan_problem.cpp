// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/plan_problem.h"

#include "fetcher/plan/class_table.h"
#include "fetcher/plan/planner.h"
#include "fetcher/plan/queues.h"
#include "fetcher/plan/why.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr double any_slack = 1e9;

plan::Problem links_of(const PlanRequest& request) {
  plan::Problem problem;
  for (const LinkPace& link : request.links) {
    problem.sources.push_back({.peer = link.peer,
                               .rate = link.bytes_per_second,
                               .delay = link.seconds_for(0),
                               .price = link.price_per_gib,
                               .site = link.capped_site});
  }
  for (const SiteInfo& site : request.sites)
    problem.sites.push_back({site.name, site.uplink_bytes_per_second});
  if (request.ingress > 0) problem.ingress = request.ingress;
  return problem;
}

/// In the order of urgency, each slice in image order.
class Grouping {
 public:
  Grouping(const PlanRequest& request, plan::ClassTable& table)
      : request_(request), table_(table) {}

  void add_all() {
    RangeSet rest = request_.wanted;
    request_.urgency.visit(request_.wanted, [&](plan::Tier tier, const RangeSet& blocks) {
      add(blocks, tier);
      rest.remove(blocks);
      return true;
    });
    add(rest, last_tier);
  }
  [[nodiscard]] BlockCount unheld() const { return unheld_; }

 private:
  void add(const RangeSet& blocks, plan::Tier tier) {
    if (blocks.empty()) return;
    const BlockRange span = BlockRange::between(blocks.first(), blocks.last() + BlockCount(1));
    request_.holders.visit_runs(span, [&](BlockRange run, std::span<const PeerId> peers) {
      std::vector<plan::SourceIndex> holders;
      for (const PeerId peer : peers) {
        if (const LinkPace* link = find_pace(request_.links, peer)) {
          holders.push_back(static_cast<plan::SourceIndex>(link - request_.links.data()));
        }
      }
      for (const BlockRange& part : blocks.within(run)) {
        if (holders.empty()) unheld_ += part.count;
        table_.add(part, tier, holders, wire_bytes(part.count));
      }
    });
  }
  [[nodiscard]] std::uint64_t wire_bytes(BlockCount blocks) const {
    const double bytes = static_cast<double>(blocks.value()) * request_.wire_bytes_per_block;
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(bytes)));
  }

  const PlanRequest& request_;
  plan::ClassTable& table_;
  BlockCount unheld_;
};

PlanForecast forecast_of(const plan::Problem& problem, const plan::Plan& plan) {
  PlanForecast forecast;
  forecast.cost = plan.cost;
  forecast.least_cost = plan.least_cost;
  std::vector<std::string> why = plan::why_tiers(problem, plan);
  for (std::size_t i = 0; i < plan.tiers.size(); ++i) {
    const plan::TierPlan& tier = plan.tiers[i];
    ByteCount bytes(tier.bytes);
    const plan::Tier stage = stage_of(tier.tier);
    if (!forecast.tiers.empty() && forecast.tiers.back().tier == stage) {
      bytes += forecast.tiers.back().bytes;
      forecast.tiers.pop_back();
    }
    forecast.tiers.push_back({stage, bytes, from_seconds(tier.finish),
                              from_seconds(tier.bound.at_least), std::move(why[i])});
  }
  why = plan::why_sources(problem, plan);
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const plan::SourcePlan& source = plan.sources[i];
    forecast.sources.push_back({problem.sources[i].peer, ByteCount(source.bytes),
                                from_seconds(source.finish), source.cost, std::move(why[i])});
  }
  return forecast;
}

/// As wanted, or the cheapest where no plan is within the budget.
Result<plan::Plan> make_affordable(const plan::Problem& problem, const plan::Goal& goal) {
  Result<plan::Plan> plan = plan::make_plan(problem, goal);
  if (plan || !plan.error().is(Errc::over_budget)) return plan;
  return plan::make_plan(problem, plan::Goal::cheapest(any_slack));
}

}  // namespace

Result<PlanAnswer> solve(const PlanRequest& request) {
  plan::Problem problem = links_of(request);
  plan::ClassTable table;
  Grouping grouping(request, table);
  grouping.add_all();
  table.move_into(problem);
  WEFT_TRY(const plan::Plan plan, make_affordable(problem, request.goal));
  PlanAnswer answer{request.number, {}, forecast_of(problem, plan)};
  answer.forecast.unheld = grouping.unheld();
  const plan::Queues queues = plan::make_queues(problem, plan, table.order());
  for (std::size_t i = 0; i < queues.size(); ++i) {
    auto& queue = answer.queues[problem.sources[i].peer];
    queue.reserve(queues[i].size());
    for (const plan::QueueEntry& entry : queues[i])
      queue.push_back({entry.blocks, entry.tier});
  }
  return answer;
}

}  // namespace weft::fetcher
