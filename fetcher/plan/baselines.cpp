// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/baselines.h"

#include "fetcher/plan/assemble.h"
#include "fetcher/plan/fair_share.h"
#include "fetcher/plan/links.h"
#include "fetcher/plan/mix.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

namespace weft::fetcher::plan {
namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t most_pieces = 100'000;  // more would only take time: they grow instead

std::uint64_t piece_of(const Problem& problem) {
  std::uint64_t bytes = 0;
  for (const TransferClass& c : problem.classes)
    bytes += c.bytes;
  return std::max(piece_bytes, bytes / most_pieces);
}

std::vector<SourceIndex> usable_holders(const Problem& problem, const Links& links, ClassIndex c) {
  std::vector<SourceIndex> usable;
  for (const SourceIndex p : problem.holder_sets[problem.classes[c].holders])
    if (links.usable(p)) usable.push_back(p);
  return usable;
}

// Shares that are counted piece by piece, and what becomes of them on the links.
class Outcome {
 public:
  explicit Outcome(const Problem& problem)
      : problem_(problem), links_(clean_links(problem)), plan_(empty_plan(problem, links_)) {}

  [[nodiscard]] const Links& links() const { return links_; }
  void add(ClassIndex c, SourceIndex source, std::uint64_t bytes) {
    if (bytes > 0) shares_[{c, source}] += bytes;
  }
  Plan finish() {
    std::vector<double> loads(problem_.sources.size(), 0);
    for (const auto& [key, bytes] : shares_) {
      plan_.shares.push_back({key.first, key.second, bytes});
      loads[key.second] += static_cast<double>(bytes);
    }
    take_times(problem_, links_, share_fairly(links_, loads), plan_);
    return std::move(plan_);
  }

 private:
  const Problem& problem_;
  Links links_;
  Plan plan_;
  std::map<std::pair<ClassIndex, SourceIndex>, std::uint64_t> shares_;
};

// Sources that take a piece whenever they are idle.
class RarestFirst {
 public:
  explicit RarestFirst(const Problem& problem)
      : outcome_(problem),
        piece_(piece_of(problem)),
        rates_(fair_rates(outcome_.links(), std::vector<bool>(problem.sources.size(), true))),
        wanted_(problem.sources.size()) {
    for (ClassIndex c = 0; c < problem.classes.size(); ++c) {
      left_.push_back(problem.classes[c].bytes);
      const auto holders = usable_holders(problem, outcome_.links(), c);
      for (const SourceIndex p : holders)
        wanted_[p].emplace_back(problem.classes[c].tier, holders.size(), c);
    }
    for (auto& list : wanted_)
      std::ranges::sort(list);
  }

  Plan run() {
    using Idle = std::pair<double, SourceIndex>;
    std::priority_queue<Idle, std::vector<Idle>, std::greater<>> idle;
    for (const SourceIndex p : each_source(wanted_.size()))
      if (rates_[p] > 0) idle.emplace(outcome_.links().sources[p].delay, p);
    std::vector<std::size_t> next(wanted_.size(), 0);
    while (!idle.empty()) {
      const auto [time, p] = idle.top();
      idle.pop();
      while (next[p] < wanted_[p].size() && left_[std::get<2>(wanted_[p][next[p]])] == 0)
        ++next[p];
      if (next[p] == wanted_[p].size()) continue;
      const ClassIndex c = std::get<2>(wanted_[p][next[p]]);
      const std::uint64_t bytes = std::min(piece_, left_[c]);
      left_[c] -= bytes;
      outcome_.add(c, p, bytes);
      idle.emplace(time + static_cast<double>(bytes) / rates_[p], p);
    }
    return outcome_.finish();
  }

 private:
  Outcome outcome_;
  std::uint64_t piece_;
  std::vector<double> rates_;
  std::vector<std::vector<std::tuple<Tier, std::size_t, ClassIndex>>> wanted_;  // rarest first
  std::vector<std::uint64_t> left_;
};

}  // namespace

Plan nearest_plan(const Problem& problem) {
  Outcome outcome(problem);
  for (ClassIndex c = 0; c < problem.classes.size(); ++c) {
    const auto holders = usable_holders(problem, outcome.links(), c);
    if (holders.empty()) continue;
    const SourceIndex nearest = *std::ranges::min_element(holders, {}, [&](SourceIndex p) {
      const Link& link = outcome.links().sources[p];
      return std::pair(link.delay, -link.rate);
    });
    outcome.add(c, nearest, problem.classes[c].bytes);
  }
  return outcome.finish();
}

Plan random_plan(const Problem& problem, std::uint64_t seed) {
  Outcome outcome(problem);
  const std::uint64_t piece = piece_of(problem);
  for (ClassIndex c = 0; c < problem.classes.size(); ++c) {
    const auto holders = usable_holders(problem, outcome.links(), c);
    if (holders.empty()) continue;
    for (std::uint64_t left = problem.classes[c].bytes; left > 0;) {
      const std::uint64_t bytes = std::min(piece, left);
      outcome.add(c, holders[mix(seed++) % holders.size()], bytes);
      left -= bytes;
    }
  }
  return outcome.finish();
}

Plan rarest_first_plan(const Problem& problem) {
  return RarestFirst(problem).run();
}

}  // namespace weft::fetcher::plan
