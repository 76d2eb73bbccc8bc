// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/why.h"

#include "fetcher/plan/bound.h"
#include "fetcher/plan/links.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace weft::fetcher::plan {
namespace {

std::string amount(double bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.size())
    bytes /= 1000, ++unit;
  return fmt::format("{:.{}f} {}", bytes, bytes < 9.95 && unit > 0 ? 1 : 0, units[unit]);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  const double value = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (part == whole) return "all";
  if (value < 1) return "under 1 %";
  return fmt::format("{:.0f} %", std::min(99.0, value));
}

// What is said about many sources at once: counted in one pass over the classes.
class Facts {
 public:
  Facts(const Problem& problem, const Plan& plan)
      : problem_(problem),
        plan_(plan),
        links_(clean_links(problem)),
        held_(problem.sources.size(), 0),
        only_here_(problem.sources.size(), 0),
        fills_(problem.sources.size(), false) {
    for (const TransferClass& c : problem.classes) {
      all_ += c.bytes;
      std::size_t usable = 0;
      SourceIndex last = 0;
      for (const SourceIndex p : problem.holder_sets[c.holders]) {
        held_[p] += c.bytes;
        if (links_.usable(p)) ++usable, last = p;
      }
      if (usable == 1) only_here_[last] += c.bytes;
    }
    for (const TierPlan& tier : plan.tiers)
      for (const SourceIndex p : tier.bound.sources)
        fills_[p] = true;
    for (const SourceIndex p : each_source(plan.sources.size())) {
      if (plan.sources[p].bytes == 0) continue;
      ++used_;
      fastest_ = std::max(fastest_, links_.sources[p].rate);
      cheapest_ = std::min(cheapest_, links_.sources[p].price);
      dearest_ = std::max(dearest_, links_.sources[p].price);
    }
  }

  [[nodiscard]] std::string line(SourceIndex p) const {
    return plan_.sources[p].bytes > 0 ? used(p) : unused(p);
  }

 private:
  [[nodiscard]] std::string used(SourceIndex p) const;
  [[nodiscard]] std::string unused(SourceIndex p) const;
  [[nodiscard]] std::string limit(SourceIndex p) const;

  const Problem& problem_;
  const Plan& plan_;
  Links links_;
  std::vector<std::uint64_t> held_;
  std::vector<std::uint64_t> only_here_;
  std::vector<bool> fills_;
  std::uint64_t all_ = 0;
  std::size_t used_ = 0;
  double fastest_ = 0;
  double cheapest_ = never;
  double dearest_ = 0;
};

std::string Facts::used(SourceIndex p) const {
  const SourcePlan& source = plan_.sources[p];
  const Link& link = links_.sources[p];
  const SourceTier& first = source.tiers.front();
  const auto whole = std::ranges::find(plan_.tiers, first.tier, &TierPlan::tier);
  const std::string part = percent(first.bytes, whole->bytes);
  std::string text;
  if (used_ > 1 && link.rate == fastest_) {
    text = "fastest, ";
  } else if (cheapest_ < dearest_ && link.price == cheapest_) {
    text = "cheapest, ";
  }
  text += fmt::format("{} of tier {}", part, first.tier);
  if (source.tiers.size() > 1)
    text += fmt::format(", {} of everything",
                        percent(source.bytes, std::max(source.bytes, all_ - plan_.unheld_bytes)));
  if (only_here_[p] > 0)
    text += fmt::format("; {} of its bytes are only here",
                        percent(std::min(only_here_[p], source.bytes), source.bytes));
  return text + limit(p);
}

std::string Facts::limit(SourceIndex p) const {
  const SourcePlan& source = plan_.sources[p];
  const Link& link = links_.sources[p];
  const double time = source.finish - link.delay;
  const bool slowed = time > 0 && static_cast<double>(source.bytes) < 0.95 * link.rate * time;
  if (slowed && links_.capped(p))
    return fmt::format("; limited by the uplink of site {}", problem_.sites[link.site].name);
  if (slowed && links_.ingress < never) return "; limited by what this node takes in";
  if (fills_[p]) return "; the plan waits for it";
  return "";
}

std::string Facts::unused(SourceIndex p) const {
  const Link& link = links_.sources[p];
  if (!links_.usable(p))
    return problem_.sources[p].rate >= 1 ? "not used: cannot start in time"
                                         : "not used: its rate is not known";
  if (held_[p] == 0) return "not used: holds nothing that is missing";
  if (link.delay >= plan_.finish())
    return fmt::format("not used: cannot send for {:.1f} s, all is here by then", link.delay);
  if (used_ > 0 && link.price > cheapest_) return "not used: dearer, and not needed";
  if (links_.capped(p))
    return fmt::format("not used: the uplink of site {} is full without it",
                       problem_.sites[link.site].name);
  return "not used: not needed, others are as fast without it";
}

std::string why_tier(const Problem& problem, const Plan& plan, const TierPlan& tier,
                     const Links& links) {
  const Bound& bound = tier.bound;
  if (bound.classes.empty()) return "no bound is known";
  if (bound.tier != tier.tier) return fmt::format("here when tier {} is", bound.tier);
  const std::string bytes = amount(static_cast<double>(bound.bytes));
  if (bound.ingress)
    return fmt::format("{} must come in, and this node takes {}/s", bytes, amount(links.ingress));
  double rate = 0;
  for (const SourceIndex p : bound.sources)
    rate += links.sources[p].rate;
  for (const SiteIndex s : bound.sites)
    rate += links.uplinks[s];
  std::string who;
  if (bound.sites.empty()) {
    const bool one = bound.sources.size() == 1;
    who = fmt::format("{} source{}, which {} {}/s{}", bound.sources.size(), one ? "" : "s",
                      one ? "sends" : "send", amount(rate), one ? "" : " together");
  } else {
    std::string_view separator = bound.sites.size() > 1 ? "uplinks of sites " : "uplink of site ";
    who = "behind the full ";
    for (const SiteIndex s : bound.sites) {
      who += std::string(separator) + problem.sites[s].name;
      separator = ", ";
    }
    if (!bound.sources.empty())
      who += fmt::format(" or at {} more source{}", bound.sources.size(),
                         bound.sources.size() == 1 ? "" : "s");
    who += fmt::format(", {}/s{}", amount(rate),
                       bound.sources.empty() && bound.sites.size() == 1 ? "" : " together");
    return fmt::format("{} are {}", bytes, who);
  }
  std::uint64_t all = 0;
  for (const TierPlan& earlier : plan.tiers)
    if (earlier.tier <= bound.tier) all += earlier.bytes;
  return fmt::format("{} are {}at {}", bytes, all == bound.bytes ? "" : "only ", who);
}

}  // namespace

std::vector<std::string> why_sources(const Problem& problem, const Plan& plan) {
  const Facts facts(problem, plan);
  std::vector<std::string> lines;
  for (const SourceIndex p : each_source(plan.sources.size()))
    lines.push_back(facts.line(p));
  return lines;
}

std::vector<std::string> why_tiers(const Problem& problem, const Plan& plan) {
  const Links links = clean_links(problem);
  std::vector<std::string> lines;
  for (const TierPlan& tier : plan.tiers)
    lines.push_back(why_tier(problem, plan, tier, links));
  return lines;
}

}  // namespace weft::fetcher::plan
