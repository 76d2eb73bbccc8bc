// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/planner.h"
#include "tools/api/goal.h"
#include "tools/api/handlers.h"
#include "tools/api/peers_seen.h"
#include "tools/api/plan_inputs.h"
#include "tools/api/plan_view.h"
#include "tools/daemon/node.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace plan = fetcher::plan;
using plan::Goal;

constexpr Duration probe_wait = std::chrono::seconds(5);
constexpr int pareto_rows = 8;
constexpr std::uint64_t enough_to_measure = 1u << 20;

/// The last finish with other rates; nullopt where there is no such plan.
std::optional<double> finish_with(plan::Problem problem, const PlanInputs& inputs, const Goal& goal,
                                  double (fetcher::Estimate::*rate)() const) {
  for (std::size_t i = 0; i < problem.sources.size(); ++i) {
    const fetcher::SourceView& view = inputs.sources()[i];
    if (!view.link.rate_in.known()) return std::nullopt;
    problem.sources[i].rate = fetcher::plan_source(view, (view.link.rate_in.*rate)()).rate;
  }
  const auto made = plan::make_plan(problem, goal);
  return made ? std::optional(made->finish()) : std::nullopt;
}

/// The fastest plans for budgets between what the cheapest costs and what the fastest does.
Result<std::vector<ParetoRow>> pareto(const plan::Problem& problem) {
  WEFT_TRY(plan::Plan fastest, plan::make_plan(problem, Goal::fastest()));
  std::vector<ParetoRow> rows;
  const double least = fastest.least_cost;
  const double most = fastest.cost;
  const int steps = most > least * (1 + 1e-9) ? pareto_rows - 1 : 0;
  for (int i = 0; i < steps; ++i) {
    const double budget = least + (most - least) * i / steps;
    WEFT_TRY(plan::Plan made, plan::make_plan(problem, Goal::within(budget)));
    rows.push_back({.budget = budget, .plan = std::move(made)});
  }
  rows.push_back({.budget = most, .plan = std::move(fastest)});
  return rows;
}

/// Looked at in a few places: what it decides is less than one part in a hundred.
bool has_tree(LocalImage& image) {
  constexpr std::uint64_t places = 16;
  const std::uint64_t blocks = image.shape().blocks().value();
  for (std::uint64_t i = 0; i < places; ++i) {
    const auto missing = image.first_missing_node(BlockIndex(blocks * i / places));
    if (!missing || *missing) return false;
  }
  return true;
}

Result<void> see(PlanInputs& inputs, Node& node, std::span<const ImageEntry> local,
                 std::span<const PeerSeen> peers) {
  const ImageId& id = inputs.image().info.id;
  inputs.see_local(local);
  if (std::ranges::any_of(local, [&](const auto& entry) { return entry.info.id == id; })) {
    WEFT_TRY(const auto image, node.store().image(id));
    inputs.tree_is_here(has_tree(*image));
  }
  inputs.see_peers(peers);
  return {};
}

PlanFigures figures_of(Node& node, const Goal& goal) {
  PlanFigures figures{.goal = goal};
  if (node.network() == nullptr) return figures;
  const auto fetched = node.network()->fetcher().statistics();
  const std::uint64_t content = fetched.received.value();
  if (content < enough_to_measure) return figures;
  figures.wire_ratio_measured = true;
  figures.wire_ratio = std::min(
      1.0, static_cast<double>(fetched.received_wire.value()) / static_cast<double>(content));
  return figures;
}

}  // namespace

Reply plan_image(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto said, goal_in_query(call));
  const Goal goal = said.value_or(Goal::fastest());
  WEFT_TRY(const auto local, node.store().list());
  WEFT_TRY(const WantedImage image, find_wanted(call.path[2], local, peers_seen(node)));
  auto signature = find_signature(node, image.info.id);
  if (node.network() != nullptr) node.network()->measure_links(image.info.id, probe_wait);
  PlanInputs inputs(image, std::move(signature), signatures_of(node));
  WEFT_CHECK(see(inputs, node, local, peers_seen(node)));
  PlanFigures figures = figures_of(node, goal);
  const auto estimate = fetcher::estimate_transfer(inputs.target(), inputs.sources(),
                                                   node.own_link(), figures.wire_ratio);
  if (estimate.missing.value() > 0 && estimate.unheld >= estimate.missing) {
    return fail(
        Errc::no_source, Operation::control,
        fmt::format("no connected peer is known to hold what is missing of {}", image.name));
  }
  WEFT_TRY(const plan::Plan made, plan::make_plan(estimate.problem, goal));
  using fetcher::Estimate;
  figures.finish_latest = finish_with(estimate.problem, inputs, goal, &Estimate::low);
  figures.finish_earliest = finish_with(estimate.problem, inputs, goal, &Estimate::high);
  auto answer = to_json(inputs, estimate, made, figures);
  if (const auto wanted = call.query.find("pareto");
      wanted != call.query.end() && wanted->second == "true") {
    WEFT_TRY(const auto rows, pareto(estimate.problem));
    answer["pareto"] = to_json(rows);
  }
  return answer;
}

}  // namespace weft::tools::api
