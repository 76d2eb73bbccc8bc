// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/plan/lp_oracle.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <glpk.h>

namespace weft::fetcher::plan {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double mega = 1e9;  // programs are in gigabytes: numbers near 1
constexpr double price_scale = 1024.0 * 1024 * 1024 / mega;

// One linear program, built row by row.
class Program {
 public:
  Program() : program_(glp_create_prob(), glp_delete_prob) { glp_term_out(GLP_OFF); }

  int variable(double least, double most) {
    const int column = glp_add_cols(program_.get(), 1);
    glp_set_col_bnds(program_.get(), column,
                     most < infinite ? (least < most ? GLP_DB : GLP_FX) : GLP_LO, least, most);
    return column;
  }
  void minimise(int column, double cost) { glp_set_obj_coef(program_.get(), column, cost); }
  void row(const std::map<int, double>& terms, int kind, double value) {
    const int row = glp_add_rows(program_.get(), 1);
    glp_set_row_bnds(program_.get(), row, kind, value, value);
    std::vector<int> columns{0};
    std::vector<double> factors{0};
    for (const auto& [column, factor] : terms)
      columns.push_back(column), factors.push_back(factor);
    glp_set_mat_row(program_.get(), row, static_cast<int>(terms.size()), columns.data(),
                    factors.data());
  }
  std::optional<double> solve() {
    glp_smcp options;
    glp_init_smcp(&options);
    options.msg_lev = GLP_MSG_OFF;
    options.tol_bnd = options.tol_dj = 1e-9;
    options.meth = GLP_DUALP;
    glp_scale_prob(program_.get(), GLP_SF_AUTO);
    if (glp_simplex(program_.get(), &options) != 0) return std::nullopt;
    if (glp_get_status(program_.get()) != GLP_OPT) return std::nullopt;
    return glp_get_obj_val(program_.get());
  }

 private:
  std::unique_ptr<glp_prob, void (*)(glp_prob*)> program_;
};

// A stretch of time; the last one may end at a variable.
struct Stretch {
  double begin = 0;
  double end = 0;
  std::optional<int> variable_end;
};

class Transfer {
 public:
  Transfer(const Problem& problem, Tier last) : problem_(problem), last_(last) {}

  Program program;

  // The flows of tiers up to `last` in `stretches`; `finish[k - 1]`: no flow of tier k later.
  void build(const std::vector<Stretch>& stretches, const std::vector<double>& finish) {
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      std::map<int, double> ingress;
      std::map<SiteIndex, std::map<int, double>> sites;
      for (const SourceIndex p : each_source(problem_.sources.size())) {
        const Source& source = problem_.sources[p];
        if (source.delay > stretches[i].begin) continue;
        std::map<int, double> own;
        for (Tier tier = 1; tier <= last_; ++tier) {
          if (stretches[i].begin >= finish[tier - 1]) continue;
          const int flow = program.variable(0, infinite);
          sent_[{p, tier}][flow] = -1;
          own[flow] = ingress[flow] = 1;
          if (source.site) sites[*source.site][flow] = 1;
        }
        at_most(std::move(own), source.rate, stretches[i]);
      }
      for (auto& [site, flows] : sites)
        if (problem_.sites[site].uplink > 0)
          at_most(std::move(flows), problem_.sites[site].uplink, stretches[i]);
      if (problem_.ingress) at_most(std::move(ingress), *problem_.ingress, stretches[i]);
    }
    add_shares();
  }
  // By column: what a share costs for each megabyte.
  [[nodiscard]] const std::map<int, double>& costs() const { return costs_; }

 private:
  void at_most(std::map<int, double> flows, double rate, const Stretch& stretch) {
    if (flows.empty()) return;
    if (stretch.variable_end) {
      flows[*stretch.variable_end] = -rate / mega;
      program.row(flows, GLP_UP, -rate / mega * stretch.begin);
    } else {
      program.row(flows, GLP_UP, rate / mega * (stretch.end - stretch.begin));
    }
  }
  void add_shares() {
    for (const TransferClass& c : problem_.classes) {
      if (c.tier > last_) continue;
      std::map<int, double> whole;
      for (const SourceIndex p : problem_.holder_sets[c.holders]) {
        const int share = program.variable(0, infinite);
        whole[share] = sent_[{p, c.tier}][share] = 1;
        costs_[share] = problem_.sources[p].price / price_scale;
      }
      program.row(whole, GLP_FX, static_cast<double>(c.bytes) / mega);
    }
    for (const auto& [key, terms] : sent_)
      program.row(terms, GLP_FX, 0);
  }

  const Problem& problem_;
  Tier last_;
  std::map<std::pair<SourceIndex, Tier>, std::map<int, double>> sent_;
  std::map<int, double> costs_;
};

std::vector<Stretch> stretches_to(const Problem& problem, const std::vector<double>& times,
                                  double end) {
  std::set<double> edges{0, end};
  for (const Source& source : problem.sources)
    edges.insert(source.delay);
  edges.insert(times.begin(), times.end());
  std::vector<Stretch> stretches;
  for (auto edge = edges.begin(); *edge < end; ++edge)
    stretches.push_back({*edge, *std::next(edge), {}});
  return stretches;
}

double later_cost(const Problem& problem, Tier tier) {
  double cost = 0;
  for (const TransferClass& c : problem.classes) {
    if (c.tier <= tier) continue;
    double least = infinite;
    for (const SourceIndex p : problem.holder_sets[c.holders])
      least = std::min(least, problem.sources[p].price);
    cost += static_cast<double>(c.bytes) / mega * least / price_scale;
  }
  return cost;
}

// The least finish in [begin, end], between two neighbouring edges.
std::optional<double> finish_within(const Problem& problem, Tier tier, std::vector<double> before,
                                    std::optional<double> budget, double begin, double end) {
  Transfer transfer(problem, tier);
  std::vector<Stretch> stretches = stretches_to(problem, before, begin);
  const int finish = transfer.program.variable(begin, end);
  transfer.program.minimise(finish, 1);
  stretches.push_back({begin, end, finish});
  before.resize(tier, infinite);
  before[static_cast<std::size_t>(tier) - 1] = infinite;
  transfer.build(stretches, before);
  if (budget) {
    std::map<int, double> parts = transfer.costs();
    for (auto& [share, cost] : parts)
      cost /= *budget;
    transfer.program.row(parts, GLP_UP, 1 - later_cost(problem, tier) / *budget);
  }
  return transfer.program.solve();
}

}  // namespace

// Whatever can be done by a time can be done by a later one: the first stretch that has a solution
// has the least.
std::optional<double> oracle_finish(const Problem& problem, Tier tier,
                                    const std::vector<double>& before, std::optional<double> budget,
                                    double hint) {
  const double earliest = tier == 1 ? 0 : before[static_cast<std::size_t>(tier) - 2];
  std::set<double> edges{earliest, infinite};
  for (const Source& source : problem.sources)
    if (source.delay > earliest) edges.insert(source.delay);
  const std::vector<double> times(before.begin(), before.begin() + (tier - 1));
  auto stretch = std::prev(edges.upper_bound(std::max(hint, earliest)));
  std::optional<double> best;
  for (;;) {
    const auto found = finish_within(problem, tier, times, budget, *stretch, *std::next(stretch));
    if (found) best = found;
    if (!found && !best && *std::next(stretch) < infinite) {
      ++stretch;  // the hint was too early
      continue;
    }
    const bool at_begin = found && *found <= *stretch * (1 + 1e-9);
    if (!at_begin || stretch == edges.begin()) return best;
    --stretch;
  }
}

std::optional<double> oracle_cost(const Problem& problem, const std::vector<double>& finish) {
  Transfer transfer(problem, static_cast<Tier>(finish.size()));
  transfer.build(stretches_to(problem, finish, *std::ranges::max_element(finish)), finish);
  for (const auto& [share, cost] : transfer.costs())
    transfer.program.minimise(share, cost);
  return transfer.program.solve();
}

}  // namespace weft::fetcher::plan
