// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/model.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string>
#include <utility>

namespace weft::fetcher::plan {
namespace {

/// Arcs from sources into slots, above which delays are rounded more coarsely.
constexpr std::size_t most_slot_arcs = std::size_t{1} << 20;

std::uint64_t mix(std::uint64_t x) {  // SplitMix64: S. Vigna, after G. Steele et al., OOPSLA 2014
  x += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

auto bad(std::string why) {
  return fail(Errc::bad_request, Operation::fetch, "plan: " + std::move(why));
}

std::string too_many(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + ", at most " + std::to_string(max_sources) +
         " can be planned for";
}

class Builder {
 public:
  Builder(const Problem& problem, const PlannerLimits& limits)
      : problem_(problem), limits_(limits) {}

  Model build() {
    model_.links = clean_links(problem_);
    number_tiers();
    round_delays();
    add_classes();
    return std::move(model_);
  }

 private:
  std::span<const SourceIndex> usable_holders(const TransferClass& c) {
    usable_.clear();
    for (const SourceIndex p : problem_.holder_sets[c.holders])
      if (model_.links.usable(p)) usable_.push_back(p);
    return usable_;
  }
  void number_tiers();
  void round_delays();
  void add_classes();
  void add(ClassIndex c, std::span<const SourceIndex> holders);
  void add_light(ClassIndex c, std::span<const SourceIndex> holders);

  const Problem& problem_;
  const PlannerLimits& limits_;
  Model model_;
  std::array<std::uint8_t, max_tiers + 1> tier_number_{};
  std::vector<SourceIndex> usable_;
  std::map<std::array<std::uint32_t, 4>, std::uint32_t> groups_;  // of light classes
};

void Builder::number_tiers() {
  std::array<bool, max_tiers + 1> used{};
  for (const TransferClass& c : problem_.classes)
    if (c.bytes > 0 && !usable_holders(c).empty()) used[c.tier] = true;
  for (Tier tier = 1; tier <= max_tiers; ++tier) {
    tier_number_[tier] = static_cast<std::uint8_t>(model_.tiers.size());
    if (used[tier]) model_.tiers.push_back(tier);
  }
}

// Rounding up keeps a plan possible. Evenly by rank, so that where there are many, steps are fine.
void Builder::round_delays() {
  std::vector<double> all;
  std::size_t shared = 0;
  for (const Link& link : model_.links.sources) {
    if (link.rate <= 0 || !link.shared) continue;
    ++shared;
    all.push_back(link.delay);
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  const std::size_t tiers = std::max<std::size_t>(1, model_.tiers.size());
  const std::size_t room =
      most_slot_arcs / std::max<std::size_t>(1, (shared + model_.links.uplinks.size()) * tiers);
  const std::size_t most = std::max<std::size_t>(1, std::min(limits_.exact_delays, room));
  if (all.size() > most) {
    model_.rounded = true;
    for (std::size_t i = 0; i < most; ++i)
      model_.delays.push_back(all[(i + 1) * all.size() / most - 1]);
    for (Link& link : model_.links.sources)
      if (link.shared && link.rate > 0)
        link.delay = *std::ranges::lower_bound(model_.delays, link.delay);
  } else {
    model_.delays = std::move(all);
  }
}

// The heaviest classes as they are, as many as the limits allow.
void Builder::add_classes() {
  const std::vector<TransferClass>& classes = problem_.classes;
  model_.model_class.assign(classes.size(), Model::no_class);
  std::vector<ClassIndex> by_weight(classes.size());
  std::iota(by_weight.begin(), by_weight.end(), ClassIndex{0});
  if (classes.size() > limits_.exact_classes / 2)
    std::ranges::sort(by_weight, [&](ClassIndex a, ClassIndex b) {
      return std::pair(classes[b].bytes, a) < std::pair(classes[a].bytes, b);
    });
  std::size_t memberships = 0;
  for (const ClassIndex c : by_weight) {
    if (classes[c].bytes == 0) continue;
    const auto holders = usable_holders(classes[c]);
    if (holders.empty()) continue;
    memberships += holders.size();
    const bool fits =
        classes.size() <= limits_.exact_classes || model_.size() < limits_.exact_classes / 2;
    if (fits && memberships <= limits_.exact_memberships) {
      add(c, holders);
    } else {
      add_light(c, holders);
    }
  }
}

void Builder::add(ClassIndex c, std::span<const SourceIndex> holders) {
  model_.model_class[c] = static_cast<std::uint32_t>(model_.size());
  model_.members.insert(model_.members.end(), holders.begin(), holders.end());
  model_.begins.push_back(model_.members.size());
  model_.tier.push_back(tier_number_[problem_.classes[c].tier]);
  model_.bytes.push_back(static_cast<double>(problem_.classes[c].bytes));
}

// A holder drawn by rate, the next one after it, so that load can move around a ring of sources,
// and the cheapest, so that money can be saved. With too many such groups: the drawn one alone.
void Builder::add_light(ClassIndex c, std::span<const SourceIndex> holders) {
  const Links& links = model_.links;
  double all = 0;
  for (const SourceIndex p : holders)
    all += links.sources[p].rate;
  double draw = all * (static_cast<double>(mix(c) >> 11) * 0x1p-53);
  std::size_t first = 0;
  while (first + 1 < holders.size() && draw >= links.sources[holders[first]].rate)
    draw -= links.sources[holders[first++]].rate;
  std::array<SourceIndex, 3> chosen{holders[first], holders[(first + 1) % holders.size()], 0};
  chosen[2] =
      *std::ranges::min_element(holders, {}, [&](SourceIndex p) { return links.sources[p].price; });
  if (links.sources[chosen[2]].price >= links.sources[chosen[0]].price) chosen[2] = chosen[0];
  if (groups_.size() >= limits_.exact_classes / 2) chosen[1] = chosen[2] = chosen[0];
  std::ranges::sort(chosen);
  const std::uint32_t tier = tier_number_[problem_.classes[c].tier];
  const auto [group, added] = groups_.try_emplace({chosen[0], chosen[1], chosen[2], tier},
                                                  static_cast<std::uint32_t>(model_.size()));
  model_.merged = true;
  if (added) return add(c, std::span(chosen.begin(), std::ranges::unique(chosen).begin()));
  model_.model_class[c] = group->second;
  model_.bytes[group->second] += static_cast<double>(problem_.classes[c].bytes);
}

}  // namespace

double Model::cheapest(std::size_t c) const {
  double price = never;
  for (const SourceIndex p : holders(c))
    price = std::min(price, links.sources[p].price);
  return price;
}

Result<void> check_problem(const Problem& problem) {
  if (problem.sources.size() > max_sources) return bad(too_many(problem.sources.size(), "sources"));
  if (problem.sites.size() > max_sources) return bad(too_many(problem.sites.size(), "sites"));
  for (const Source& source : problem.sources)
    if (source.site && *source.site >= problem.sites.size()) return bad("a source of no site");
  std::uint64_t bytes = 0;
  for (const TransferClass& c : problem.classes) {
    if (c.tier < 1 || c.tier > max_tiers)
      return bad("tier " + std::to_string(c.tier) + " is not 1 to " + std::to_string(max_tiers));
    if (c.holders >= problem.holder_sets.size()) return bad("a class without a holder set");
    if (c.bytes > max_plan_bytes - bytes) return bad("more bytes than can be planned for");
    bytes += c.bytes;
  }
  for (HolderSetIndex set = 0; set < problem.holder_sets.size(); ++set) {
    const auto holders = problem.holder_sets[set];
    if (!holders.empty() && holders.back() >= problem.sources.size())
      return bad("a holder that is no source");
  }
  return {};
}

Model make_model(const Problem& problem, const PlannerLimits& limits) {
  return Builder(problem, limits).build();
}

}  // namespace weft::fetcher::plan
