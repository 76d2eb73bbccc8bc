// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <initializer_list>
#include <string>

namespace weft::fetcher::plan {

inline constexpr std::uint64_t mb = 1'000'000;
inline constexpr double gib_of_mb = 1024.0 * 1024 * 1024 / 1e6;  // MB in a GiB

/// Problems in a line or two: rates in MB/s, sizes in MB.
class ProblemBuilder {
 public:
  ProblemBuilder& source(double rate, double delay = 0, double price_per_mb = 0) {
    problem.sources.push_back({.peer = PeerId{static_cast<std::uint32_t>(problem.sources.size())},
                               .rate = rate * 1e6,
                               .delay = delay,
                               .price = price_per_mb * gib_of_mb});
    return *this;
  }
  /// The last source is at a new site, or with `site`, at that one.
  ProblemBuilder& at_site(double uplink) {
    problem.sites.push_back({"site" + std::to_string(problem.sites.size()), uplink * 1e6});
    return at_last_site();
  }
  ProblemBuilder& at_last_site() {
    problem.sources.back().site = static_cast<SiteIndex>(problem.sites.size() - 1);
    return *this;
  }
  ProblemBuilder& ingress(double rate) {
    problem.ingress = rate * 1e6;
    return *this;
  }
  ProblemBuilder& held_by(std::initializer_list<SourceIndex> holders, std::uint64_t size,
                          Tier tier = 1) {
    problem.classes.push_back({problem.holder_sets.add(holders), tier, size * mb});
    return *this;
  }

  Problem problem;
};

}  // namespace weft::fetcher::plan
