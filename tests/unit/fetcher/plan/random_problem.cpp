// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/plan/random_problem.h"

#include <cmath>
#include <random>
#include <vector>

namespace weft::fetcher::plan {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  std::uint32_t up_to(std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random_);
  }
  bool chance(std::uint32_t percent) { return up_to(99) < percent; }
  double between(double least, double most) {
    return std::uniform_real_distribution<double>(least, most)(random_);
  }
  double spread(double least, double most) {  // evenly over orders of magnitude
    return least * std::pow(most / least, between(0, 1));
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

Problem random_problem(std::uint64_t seed) {
  Draw draw(seed);
  Problem problem;
  const bool round = draw.chance(30);  // many equal numbers: degenerate
  const std::uint32_t delays = draw.up_to(3);
  const std::uint32_t prices = draw.up_to(2);
  problem.sites.resize(draw.up_to(3));
  for (Site& site : problem.sites)
    site.uplink = draw.chance(20) ? 0 : round ? 1e9 : draw.spread(3e8, 3e10);
  if (draw.chance(30)) problem.ingress = round ? 2e9 : draw.spread(5e8, 5e10);
  problem.sources.resize(1 + draw.up_to(7));
  for (Source& source : problem.sources) {
    source.rate = round ? 1e9 * (1 + draw.up_to(1)) : draw.spread(1e8, 3e10);
    source.delay = delays == 0 ? 0 : delays == 1 ? 0.01 * draw.up_to(5) : draw.spread(1e-3, 1e2);
    source.price = prices == 0 ? 0 : prices == 1 ? draw.up_to(3) : draw.between(0, 10);
    if (!problem.sites.empty() && draw.chance(60))
      source.site = draw.up_to(static_cast<std::uint32_t>(problem.sites.size() - 1));
  }
  const std::uint32_t tiers = 1 + draw.up_to(3);
  const std::uint32_t density = 10 + draw.up_to(80);
  const std::uint32_t classes = 1 + draw.up_to(11);
  for (std::uint32_t c = 0; c < classes; ++c) {
    std::vector<SourceIndex> holders;
    for (const SourceIndex p : each_source(problem.sources.size()))
      if (draw.chance(density)) holders.push_back(p);
    if (holders.empty())
      holders.push_back(static_cast<SourceIndex>(
          draw.up_to(static_cast<std::uint32_t>(problem.sources.size() - 1))));
    const double bytes = round ? 1e10 * (1 + draw.up_to(2)) : draw.spread(1e10, 1e12);
    problem.classes.push_back({problem.holder_sets.add(holders),
                               static_cast<Tier>(1 + draw.up_to(tiers - 1)),
                               static_cast<std::uint64_t>(bytes)});
  }
  return problem;
}

}  // namespace weft::fetcher::plan
