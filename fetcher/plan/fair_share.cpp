// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/fair_share.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weft::fetcher::plan {
namespace {

// Equal parts of `cap` for the rates of `sources`, none more than it has.
void level(std::vector<SourceIndex> sources, double cap, std::vector<double>& rates) {
  std::ranges::sort(sources, {}, [&](SourceIndex p) { return rates[p]; });
  std::size_t left = sources.size();
  for (const SourceIndex p : sources) {
    rates[p] = std::min(rates[p], cap / static_cast<double>(left));
    cap -= rates[p];
    --left;
  }
}

}  // namespace

std::vector<double> fair_rates(const Links& links, const std::vector<bool>& active) {
  std::vector<double> rates(links.sources.size(), 0);
  std::map<SiteIndex, std::vector<SourceIndex>> sites;
  std::vector<SourceIndex> all;
  for (const SourceIndex p : each_source(rates.size())) {
    if (!active[p]) continue;
    rates[p] = links.sources[p].rate;
    all.push_back(p);
    if (links.capped(p)) sites[links.sources[p].site].push_back(p);
  }
  for (auto& [site, sources] : sites)
    level(std::move(sources), links.uplinks[site], rates);
  if (links.ingress < never) level(std::move(all), links.ingress, rates);
  return rates;
}

std::vector<SlotFlow> share_fairly(const Links& links, std::span<const double> loads) {
  std::vector<double> left(loads.begin(), loads.end());
  std::vector<bool> active(left.size(), false);
  std::vector<SlotFlow> flows;
  for (double now = 0;;) {
    double change = never;  // the next source that starts or is done
    for (const SourceIndex p : each_source(left.size())) {
      const Link& link = links.sources[p];
      active[p] = link.shared && left[p] > 0 && link.delay <= now;
      if (link.shared && left[p] > 0 && !active[p]) change = std::min(change, link.delay);
    }
    const std::vector<double> rates = fair_rates(links, active);
    for (const SourceIndex p : each_source(left.size()))
      if (active[p]) change = std::min(change, now + left[p] / rates[p]);
    if (change == never) return flows;
    for (const SourceIndex p : each_source(left.size())) {
      if (!active[p]) continue;
      const double sent = rates[p] * (change - now);
      const bool done = now + left[p] / rates[p] <= change;
      const double bytes = done ? left[p] : std::min(sent, left[p]);
      left[p] -= bytes;
      if (change > now) flows.push_back({now, change, p, bytes});
    }
    now = change;
  }
}

}  // namespace weft::fetcher::plan
