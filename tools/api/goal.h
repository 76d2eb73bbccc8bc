// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "indexer/core/error.h"
#include "tools/api/call.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

/// What is wanted of a transfer, as people and programs say it: `optimize`, `budget`, `epsilon`. Of
/// a plan, of a job, in a query, in a body, on the command line and in a record alike. Pure.
namespace weft::tools {

/// As it is said; what is not said is empty.
struct GoalWords {
  std::optional<std::string> optimize = {};  ///< "time" or "cost"
  std::optional<double> budget = {};
  std::optional<double> epsilon = {};  ///< with cost; 0.05 unless said
};

/// Nullopt: nothing is said. Errc::bad_request: words that do not go together, or numbers that are
/// negative, not finite or above 10^12.
[[nodiscard]] Result<std::optional<fetcher::plan::Goal>> goal_of(const GoalWords& words);
/// A number as people write it. Errc::bad_request names `what`.
[[nodiscard]] Result<double> parse_amount(std::string_view what, const std::string& text);

[[nodiscard]] Result<std::optional<fetcher::plan::Goal>> goal_in_query(const Call& call);
/// Members of other types are errors too.
[[nodiscard]] Result<std::optional<fetcher::plan::Goal>> goal_in_body(
    const boost::json::object& body);
/// All three members; null: not said.
[[nodiscard]] boost::json::object to_json(const fetcher::plan::Goal& goal);

}  // namespace weft::tools
