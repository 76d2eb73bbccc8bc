// SPDX-License-Identifier: Apache-2.0
#include "tools/api/plan_view.h"

#include "fetcher/plan/why.h"
#include "tools/api/goal.h"
#include "tools/api/views.h"

#include <boost/json.hpp>

#include <string_view>

namespace weft::tools {
namespace {

namespace json = boost::json;
namespace plan = fetcher::plan;

json::value or_null(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::array tiers_json(const plan::Problem& problem, const plan::Plan& made) {
  const auto why = plan::why_tiers(problem, made);
  json::array tiers;
  for (std::size_t i = 0; i < made.tiers.size(); ++i) {
    const plan::TierPlan& tier = made.tiers[i];
    tiers.push_back({{"tier", tier.tier},
                     {"bytes", tier.bytes},
                     {"finish", tier.finish},
                     {"bound", tier.bound.at_least},
                     {"why", i < why.size() ? why[i] : std::string()}});
  }
  return tiers;
}

json::array amounts_json(const plan::SourcePlan& source) {
  json::array tiers;
  for (const plan::SourceTier& tier : source.tiers)
    tiers.push_back({{"tier", tier.tier}, {"bytes", tier.bytes}, {"finish", tier.finish}});
  return tiers;
}

json::array segments_json(const plan::SourcePlan& source) {
  json::array segments;
  for (const plan::Segment& segment : source.segments) {
    segments.push_back({{"begin", segment.begin}, {"end", segment.end}, {"bytes", segment.bytes}});
  }
  return segments;
}

json::object source_json(const fetcher::SourceView& view, const std::string& name,
                         const plan::Source& as_used, const plan::SourcePlan& part,
                         const std::string& why) {
  return {{"address", view.address},
          {"name", name},
          {"site", view.info.site},
          {"price_per_gib", view.info.price_per_gib},
          {"rate", as_used.rate},
          {"measured", to_json(view.link.rate_in)},
          {"delay", as_used.delay},
          {"bytes", part.bytes},
          {"finish", part.bytes == 0 ? json::value(nullptr) : json::value(part.finish)},
          {"cost", part.cost},
          {"tiers", amounts_json(part)},
          {"segments", segments_json(part)},
          {"why", why}};
}

json::array left_out_json(const PlanInputs& inputs) {
  json::array left_out;
  for (const LeftOutPeer& peer : inputs.left_out()) {
    left_out.push_back({{"address", peer.address}, {"name", peer.name}, {"reason", peer.reason}});
  }
  return left_out;
}

json::array notes_json(const PlanInputs& inputs, const fetcher::TransferEstimate& estimate,
                       const PlanFigures& figures) {
  json::array notes;
  if (!estimate.exact) {
    notes.emplace_back(inputs.signature_known()
                           ? "estimated: who holds what is known from signatures"
                           : "estimated: no signature of the image is known");
  }
  if (inputs.incomplete()) {
    notes.emplace_back("of some images no signature is known yet: more of it may be near");
  }
  if (!figures.wire_ratio_measured) {
    notes.emplace_back("compression is not measured yet: blocks are taken to travel as they are");
  }
  for (const fetcher::SourceView& source : inputs.sources()) {
    if (!source.link.rate_in.known()) {
      notes.emplace_back("the link to " + source.address +
                         " is not measured yet: a rate is assumed");
    }
  }
  return notes;
}

}  // namespace

json::object to_json(const PlanInputs& inputs, const fetcher::TransferEstimate& estimate,
                     const plan::Plan& made, const PlanFigures& figures) {
  const plan::Problem& problem = estimate.problem;
  const auto why = plan::why_sources(problem, made);
  json::array sources;
  for (std::size_t i = 0; i < inputs.sources().size(); ++i) {
    sources.push_back(source_json(inputs.sources()[i], inputs.names()[i], problem.sources[i],
                                  made.sources[i], i < why.size() ? why[i] : std::string()));
  }
  const ByteCount content = inputs.content();
  return {{"image", to_hex(inputs.image().info.id)},
          {"name", inputs.image().name},
          {"size", inputs.image().info.size.value()},
          {"content", content.value()},
          {"here", (content - std::min(content, estimate.missing)).value()},
          {"missing", estimate.missing.value()},
          {"unheld", estimate.unheld.value()},
          {"wire", estimate.wire.value()},
          {"wire_ratio", figures.wire_ratio},
          {"estimated", !estimate.exact},
          {"goal", to_json(figures.goal)},
          {"finish", made.finish()},
          {"finish_earliest", or_null(figures.finish_earliest)},
          {"finish_latest", or_null(figures.finish_latest)},
          {"bound", made.tiers.empty() ? 0 : made.tiers.back().bound.at_least},
          {"gap", made.gap},
          {"cost", made.cost},
          {"least_cost", made.least_cost},
          {"tiers", tiers_json(problem, made)},
          {"sources", std::move(sources)},
          {"left_out", left_out_json(inputs)},
          {"notes", notes_json(inputs, estimate, figures)}};
}

json::array to_json(const std::vector<ParetoRow>& rows) {
  json::array all;
  for (const ParetoRow& row : rows) {
    json::array tiers;
    for (const plan::TierPlan& tier : row.plan.tiers)
      tiers.push_back({{"tier", tier.tier}, {"finish", tier.finish}});
    all.push_back({{"budget", row.budget},
                   {"cost", row.plan.cost},
                   {"finish", row.plan.finish()},
                   {"tiers", std::move(tiers)}});
  }
  return all;
}

}  // namespace weft::tools
