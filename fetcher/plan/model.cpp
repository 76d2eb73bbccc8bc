// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/model.h"

#include "fetcher/plan/fair_share.h"
#include "fetcher/plan/mix.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

namespace weft::fetcher::plan {
namespace {

/// Arcs from sources into slots, above which delays are rounded more coarsely.
constexpr std::size_t most_slot_arcs = std::size_t{1} << 20;

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
    all_usable_ =
        std::ranges::all_of(model_.links.sources, [](const Link& link) { return link.rate > 0; });
    number_tiers();
    round_delays();
    add_classes();
    return std::move(model_);
  }

 private:
  std::span<const SourceIndex> usable_holders(const TransferClass& c) {
    const auto holders = problem_.holder_sets[c.holders];
    if (all_usable_) return holders;
    usable_.clear();
    for (const SourceIndex p : holders)
      if (model_.links.usable(p)) usable_.push_back(p);
    return usable_;
  }
  void number_tiers();
  void round_delays();
  void add_classes();
  std::vector<ClassIndex> heaviest_first() const;
  void add(ClassIndex c, std::span<const SourceIndex> holders);
  void prepare_draws();
  SourceIndex draw(ClassIndex c, std::span<const SourceIndex> holders) const;
  void add_light(ClassIndex c, std::span<const SourceIndex> holders);

  const Problem& problem_;
  const PlannerLimits& limits_;
  Model model_;
  bool all_usable_ = false;
  std::array<std::uint8_t, max_tiers + 1> tier_number_{};
  std::vector<SourceIndex> usable_;
  std::vector<double> weight_up_to_;                         // for draws: of all sources up to each
  std::vector<std::uint32_t> dearness_;                      // rank by price
  std::unordered_map<std::uint64_t, std::uint32_t> groups_;  // of light classes
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

// All classes; those that are to stay exact first if they are too many for that.
std::vector<ClassIndex> Builder::heaviest_first() const {
  const std::vector<TransferClass>& classes = problem_.classes;
  std::vector<ClassIndex> order(classes.size());
  std::iota(order.begin(), order.end(), ClassIndex{0});
  const auto heavier = [&](ClassIndex a, ClassIndex b) {
    return std::pair(classes[b].bytes, a) < std::pair(classes[a].bytes, b);
  };
  const auto exact = static_cast<std::ptrdiff_t>(limits_.exact_classes / 16);
  if (classes.size() <= limits_.exact_classes) {
    std::ranges::sort(order, heavier);
  } else {
    std::ranges::nth_element(order, order.begin() + exact, heavier);
    std::sort(order.begin(), order.begin() + exact, heavier);
    std::sort(order.begin() + exact, order.end());
  }
  return order;
}

void Builder::add_classes() {
  const std::vector<TransferClass>& classes = problem_.classes;
  model_.model_class.assign(classes.size(), Model::no_class);
  const bool few = classes.size() <= limits_.exact_classes;
  std::size_t memberships = 0;
  for (const ClassIndex c : heaviest_first()) {
    if (classes[c].bytes == 0) continue;
    const auto holders = usable_holders(classes[c]);
    if (holders.empty()) continue;
    memberships += holders.size();
    const bool fits = few || model_.size() < limits_.exact_classes / 16;
    if (fits && groups_.empty() && memberships <= limits_.exact_memberships) {
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

// By what each source can bring while all of them send.
void Builder::prepare_draws() {
  const Links& links = model_.links;
  std::vector<bool> active;
  for (const Link& link : links.sources)
    active.push_back(link.rate > 0);
  double sum = 0;
  for (const double rate : fair_rates(links, active))
    weight_up_to_.push_back(sum += rate);
  std::vector<SourceIndex> by_price(links.sources.size());
  std::iota(by_price.begin(), by_price.end(), SourceIndex{0});
  std::ranges::sort(by_price, {},
                    [&](SourceIndex p) { return std::pair(links.sources[p].price, p); });
  dearness_.resize(by_price.size());
  for (std::uint32_t rank = 0; rank < by_price.size(); ++rank) {
    const double price = links.sources[by_price[rank]].price;
    const bool equal = rank > 0 && links.sources[by_price[rank - 1]].price == price;
    dearness_[by_price[rank]] = equal ? dearness_[by_price[rank - 1]] : rank;
  }
}

// From all sources until a holder is met; where few hold it, from these.
SourceIndex Builder::draw(ClassIndex c, std::span<const SourceIndex> holders) const {
  std::uint64_t state = c;
  for (int tries = 0; tries < 8; ++tries) {
    state = mix(state);
    const double at = weight_up_to_.back() * (static_cast<double>(state >> 11) * 0x1p-53);
    const auto found = std::ranges::upper_bound(weight_up_to_, at) - weight_up_to_.begin();
    const auto p = static_cast<SourceIndex>(found);
    if (std::ranges::binary_search(holders, p)) return p;
  }
  const auto weight = [&](SourceIndex p) {
    return weight_up_to_[p] - (p == 0 ? 0 : weight_up_to_[p - 1U]);
  };
  double all = 0;
  for (const SourceIndex p : holders)
    all += weight(p);
  double at = all * (static_cast<double>(mix(state) >> 11) * 0x1p-53);
  std::size_t i = 0;
  while (i + 1 < holders.size() && at >= weight(holders[i]))
    at -= weight(holders[i++]);
  return holders[i];
}

// A holder drawn by rate, the next one after it, so that load can move around a ring of sources,
// and the cheapest, so that money can be saved. With too many such groups: without the next one.
void Builder::add_light(ClassIndex c, std::span<const SourceIndex> holders) {
  if (weight_up_to_.empty()) prepare_draws();
  const SourceIndex drawn = draw(c, holders);
  const auto after = std::ranges::upper_bound(holders, drawn);
  const SourceIndex next = after == holders.end() ? holders.front() : *after;
  std::array<SourceIndex, 3> chosen{drawn, next, drawn};
  if (dearness_[drawn] > 0)
    chosen[2] = *std::ranges::min_element(holders, {}, [&](SourceIndex p) { return dearness_[p]; });
  if (dearness_[chosen[2]] == dearness_[drawn]) chosen[2] = drawn;
  if (groups_.size() >= limits_.exact_memberships / 4) chosen[1] = drawn;
  std::ranges::sort(chosen);
  static_assert(max_sources <= 1 << 12);
  std::uint64_t key = tier_number_[problem_.classes[c].tier];
  for (const SourceIndex p : chosen)
    key = key << 12 | p;
  const auto [group, added] = groups_.try_emplace(key, static_cast<std::uint32_t>(model_.size()));
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
