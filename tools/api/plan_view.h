// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/transfer_estimate.h"
#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"
#include "tools/api/plan_inputs.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <vector>

/// The answer of GET /v1/images/REF/plan. Pure.
namespace weft::tools {

struct PlanFigures {
  fetcher::plan::Goal goal;
  double wire_ratio = 1;
  bool wire_ratio_measured = false;
  /// The last finish if every link were as slow, or as fast, as its measurement allows.
  std::optional<double> finish_latest = {};
  std::optional<double> finish_earliest = {};
};

[[nodiscard]] boost::json::object to_json(const PlanInputs& inputs,
                                          const fetcher::TransferEstimate& estimate,
                                          const fetcher::plan::Plan& plan,
                                          const PlanFigures& figures);

/// A row of the table of time against cost.
struct ParetoRow {
  double budget = 0;
  fetcher::plan::Plan plan;
};
[[nodiscard]] boost::json::array to_json(const std::vector<ParetoRow>& rows);

}  // namespace weft::tools
