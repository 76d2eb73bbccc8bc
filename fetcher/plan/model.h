// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/links.h"
#include "fetcher/plan/planner.h"
#include "fetcher/plan/problem.h"
#include "indexer/core/error.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace weft::fetcher::plan {

/// The problem as it is solved: only classes with bytes and a holder that can be used, only such
/// holders, tiers numbered from 0 without gaps, and few enough classes and delays. A plan for the
/// model is one for the problem; with `merged` or `rounded` the problem's best may be better.
struct Model {
  static constexpr std::uint32_t no_class = std::numeric_limits<std::uint32_t>::max();

  Links links;              ///< delays of shared sources rounded up if there are too many
  std::vector<Tier> tiers;  ///< as the problem numbers them, ascending
  std::vector<std::size_t> begins{0};
  std::vector<SourceIndex> members;
  std::vector<std::uint8_t> tier;          ///< of each class, position in `tiers`
  std::vector<double> bytes;               ///< of each class
  std::vector<std::uint32_t> model_class;  ///< of each class of the problem, or no_class
  std::vector<double> delays;              ///< different ones of shared sources, ascending
  bool merged = false;
  bool rounded = false;

  [[nodiscard]] std::size_t size() const { return bytes.size(); }
  [[nodiscard]] std::span<const SourceIndex> holders(std::size_t c) const {
    return std::span(members).subspan(begins[c], begins[c + 1] - begins[c]);
  }
  /// Price per byte at the cheapest holder.
  [[nodiscard]] double cheapest(std::size_t c) const;
};

/// Errors: `bad_request`, see `make_plan`.
[[nodiscard]] Result<void> check_problem(const Problem& problem);
[[nodiscard]] Model make_model(const Problem& problem, const PlannerLimits& limits);

}  // namespace weft::fetcher::plan
