// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/check.h"

#include "fetcher/plan/bound.h"
#include "fetcher/plan/links.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

namespace weft::fetcher::plan {
namespace {

constexpr double loose = 1e-6;
constexpr double all_rounding = rounding_bytes * max_tiers;

bool equal(double a, double b, double slack) {
  return std::abs(a - b) <= loose * std::max(std::abs(a), std::abs(b)) + slack;
}

class Checker {
 public:
  Checker(const Problem& problem, const Plan& plan)
      : problem_(problem), plan_(plan), links_(clean_links(problem)) {}

  std::vector<std::string> check() {
    if (plan_.sources.size() != problem_.sources.size()) wrong("not one entry per source");
    if (wrong_.empty()) check_shares();
    if (wrong_.empty()) check_sources();
    if (wrong_.empty()) check_caps();
    if (wrong_.empty()) check_tiers();
    return std::move(wrong_);
  }

 private:
  using ByTier = std::array<std::uint64_t, max_tiers + 1>;

  void wrong(std::string what) { wrong_.push_back(std::move(what)); }
  void must(bool holds, const std::string& what) {
    if (!holds) wrong(what);
  }
  [[nodiscard]] bool held(ClassIndex c) const {
    const auto holders = problem_.holder_sets[problem_.classes[c].holders];
    return std::ranges::any_of(holders, [&](SourceIndex p) { return links_.usable(p); });
  }

  void check_shares();
  void check_sources();
  void check_source(SourceIndex p);
  void check_caps();
  void check_stretch(double begin, double end);
  void check_tiers();

  const Problem& problem_;
  const Plan& plan_;
  Links links_;
  std::vector<ByTier> carried_;
  std::vector<std::string> wrong_;
};

void Checker::check_shares() {
  std::vector<std::uint64_t> given(problem_.classes.size(), 0);
  carried_.assign(problem_.sources.size(), {});
  for (const Share& share : plan_.shares) {
    if (share.transfer_class >= given.size() || share.source >= plan_.sources.size())
      return wrong("a share of no class or source");
    const TransferClass& c = problem_.classes[share.transfer_class];
    const auto holders = problem_.holder_sets[c.holders];
    must(std::ranges::binary_search(holders, share.source) && links_.usable(share.source),
         "class " + std::to_string(share.transfer_class) + " from who does not hold it");
    must(share.bytes > 0, "an empty share");
    given[share.transfer_class] += share.bytes;
    carried_[share.source][c.tier] += share.bytes;
  }
  std::vector<ClassIndex> unheld;
  for (ClassIndex c = 0; c < given.size(); ++c) {
    const std::uint64_t bytes = problem_.classes[c].bytes;
    if (bytes > 0 && !held(c)) unheld.push_back(c);
    must(given[c] == (held(c) ? bytes : 0),
         "class " + std::to_string(c) + " does not add up: " + std::to_string(given[c]));
  }
  must(unheld == plan_.unheld, "the classes nobody holds are others");
}

void Checker::check_sources() {
  double cost = 0;
  for (const SourceIndex p : each_source(plan_.sources.size())) {
    check_source(p);
    cost += plan_.sources[p].cost;
  }
  must(equal(cost, plan_.cost, 0), "the costs of sources are not the cost");
}

void Checker::check_source(SourceIndex p) {
  const std::string name = "source " + std::to_string(p) + ": ";
  const SourcePlan& source = plan_.sources[p];
  const Link& link = links_.sources[p];
  ByTier tiers{};
  for (const SourceTier& tier : source.tiers)
    tiers[tier.tier] = tier.bytes;
  must(tiers == carried_[p], name + "tiers are not its shares");
  std::uint64_t bytes = 0;
  double sent = 0;
  for (const SourceTier& tier : source.tiers) {
    bytes += tier.bytes;
    must(tier.finish == source.time_of(static_cast<double>(bytes)), name + "a tier's finish");
  }
  double time = link.delay * (1 - loose);
  for (const Segment& segment : source.segments) {
    must(segment.begin >= time && segment.end >= segment.begin && std::isfinite(segment.end),
         name + "segments out of order, or before its delay");
    // A short time far away is as exact as a double can be.
    const double most = link.rate * (segment.end - segment.begin + 1e-15 * segment.end);
    must(segment.bytes <= most * (1 + loose) + all_rounding, name + "faster than its rate");
    sent += segment.bytes;
    time = segment.end;
  }
  must(bytes == source.bytes, name + "bytes are not its tiers");
  must(equal(sent, static_cast<double>(bytes), all_rounding), name + "segments carry other bytes");
  must(equal(source.cost, static_cast<double>(bytes) * link.price, 0), name + "cost");
}

// Between two neighbouring edges of segments everything is even.
void Checker::check_caps() {
  std::vector<double> edges;
  for (const SourceIndex p : each_source(plan_.sources.size())) {
    if (!links_.sources[p].shared) continue;
    for (const Segment& segment : plan_.sources[p].segments)
      edges.insert(edges.end(), {segment.begin, segment.end});
  }
  std::ranges::sort(edges);
  edges.erase(std::ranges::unique(edges).begin(), edges.end());
  for (std::size_t i = 0; i + 1 < edges.size() && wrong_.empty(); ++i)
    check_stretch(edges[i], edges[i + 1]);
}

void Checker::check_stretch(double begin, double end) {
  std::map<SiteIndex, double> by_site;
  double all = 0;
  for (const SourceIndex p : each_source(plan_.sources.size())) {
    for (const Segment& segment : plan_.sources[p].segments) {
      if (segment.begin > begin || segment.end < end) continue;
      const double bytes = segment.bytes * ((end - begin) / (segment.end - segment.begin));
      all += bytes;
      if (links_.capped(p)) by_site[links_.sources[p].site] += bytes;
    }
  }
  const double slack = all_rounding * static_cast<double>(plan_.sources.size());
  const auto fits = [&](double bytes, double rate) {
    return bytes <= rate * (end - begin + 1e-15 * end) * (1 + loose) + slack;
  };
  for (const auto& [site, bytes] : by_site)
    must(fits(bytes, links_.uplinks[site]), "the uplink of site " + std::to_string(site));
  must(fits(all, links_.ingress), "the ingress");
}

void Checker::check_tiers() {
  ByTier bytes{};
  for (ClassIndex c = 0; c < problem_.classes.size(); ++c)
    if (held(c)) bytes[problem_.classes[c].tier] += problem_.classes[c].bytes;
  double latest = 0;
  for (const TierPlan& tier : plan_.tiers) {
    for (const SourcePlan& source : plan_.sources)
      for (const SourceTier& part : source.tiers)
        if (part.tier == tier.tier) latest = std::max(latest, part.finish);
    const std::string name = "tier " + std::to_string(tier.tier) + ": ";
    must(tier.bytes == bytes[tier.tier] && tier.bytes > 0, name + "bytes");
    must(equal(tier.finish, latest, 0), name + "finish");
    bytes[tier.tier] = 0;
  }
  must(bytes == ByTier{}, "a tier is not in the plan");
}

}  // namespace

std::vector<std::string> check_plan(const Problem& problem, const Plan& plan) {
  return Checker(problem, plan).check();
}

double proven_bytes(const Problem& problem, const Plan& plan, std::size_t tier, double time) {
  const std::vector<double> until = until_of(problem, plan, plan.tiers[tier].bound);
  return carried_by(clean_links(problem), until, time);
}

}  // namespace weft::fetcher::plan
