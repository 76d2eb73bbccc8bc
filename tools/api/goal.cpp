// SPDX-License-Identifier: Apache-2.0
#include "tools/api/goal.h"

#include <boost/json/value.hpp>

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using fetcher::plan::Goal;

constexpr double default_slack = 0.05;
constexpr double most = 1e12;  // as prices

std::unexpected<Error> bad(std::string detail) {
  return fail(Errc::bad_request, Operation::control, std::move(detail));
}

Result<void> check_amount(std::string_view what, const std::optional<double>& amount) {
  const bool fine = !amount || (std::isfinite(*amount) && *amount >= 0 && *amount <= most);
  if (fine) return {};
  return bad(fmt::format("\"{}\" is a number from 0 to {:g}", what, most));
}

Result<std::optional<double>> amount_in(const Call& call, const char* what) {
  const auto given = call.query.find(what);
  if (given == call.query.end()) return std::optional<double>();
  WEFT_TRY(const double amount, parse_amount(what, given->second));
  return amount;
}

Result<std::optional<double>> amount_in(const json::object& body, std::string_view what) {
  const auto* value = body.if_contains(what);
  if (value == nullptr || value->is_null()) return std::optional<double>();
  if (!value->is_number()) return bad(fmt::format("\"{}\" must be a number", what));
  return value->to_number<double>();
}

}  // namespace

Result<std::optional<Goal>> goal_of(const GoalWords& words) {
  WEFT_CHECK(check_amount("budget", words.budget));
  WEFT_CHECK(check_amount("epsilon", words.epsilon));
  const bool cost = words.optimize == "cost";
  if (words.optimize && !cost && words.optimize != "time") {
    return bad(fmt::format("\"optimize\" is time or cost, not \"{}\"", *words.optimize));
  }
  if (cost && words.budget) {
    return bad("a budget is for the fastest plan within it: leave out \"cost\"");
  }
  if (words.epsilon && !cost) {
    return bad("\"epsilon\" says how much later the cheapest plan may be: add \"cost\"");
  }
  if (cost) return Goal::cheapest(words.epsilon.value_or(default_slack));
  if (words.budget) return Goal::within(*words.budget);
  return words.optimize ? std::optional(Goal::fastest()) : std::nullopt;
}

Result<double> parse_amount(std::string_view what, const std::string& text) {
  double amount = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), amount);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (whole && std::isfinite(amount) && amount >= 0 && amount <= most) return amount;
  return bad(fmt::format("\"{}\" is a number from 0 to {:g}, not \"{}\"", what, most, text));
}

Result<std::optional<Goal>> goal_in_query(const Call& call) {
  GoalWords words;
  if (const auto given = call.query.find("optimize"); given != call.query.end()) {
    words.optimize = given->second;
  }
  WEFT_TRY(words.budget, amount_in(call, "budget"));
  WEFT_TRY(words.epsilon, amount_in(call, "epsilon"));
  return goal_of(words);
}

Result<std::optional<Goal>> goal_in_body(const json::object& body) {
  GoalWords words;
  if (const auto* given = body.if_contains("optimize"); given != nullptr && !given->is_null()) {
    if (!given->is_string()) return bad("\"optimize\" must be a string");
    words.optimize = given->get_string();
  }
  WEFT_TRY(words.budget, amount_in(body, "budget"));
  WEFT_TRY(words.epsilon, amount_in(body, "epsilon"));
  return goal_of(words);
}

json::object to_json(const Goal& goal) {
  using Kind = Goal::Kind;
  return {{"optimize", goal.kind == Kind::cheapest ? "cost" : "time"},
          {"epsilon", goal.kind == Kind::cheapest ? json::value(goal.slack) : nullptr},
          {"budget", goal.kind == Kind::within_budget ? json::value(goal.budget) : nullptr}};
}

}  // namespace weft::tools
