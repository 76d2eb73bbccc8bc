// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/transfer_estimate.h"

#include "fetcher/link/link_estimate.h"
#include "indexer/core/clock.h"
#include "indexer/core/digest.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t stand_ins = 4096;  // keys where no signature is known

/// A number in 0 … 1 that depends on key and source alone.
double draw(std::uint64_t key, std::size_t source) {
  return static_cast<double>(mix(key + golden_gamma * source) >> 11U) * 0x1p-53;
}

/// For each of `keys` (ascending) the chance that an image of `held` has it.
std::vector<double> chances(std::span<const std::uint64_t> keys, std::span<const HeldImage> held) {
  std::vector<double> lacking(keys.size(), 1);
  for (const HeldImage& image : held) {
    auto at = image.signature->keys.begin();
    const auto end = image.signature->keys.end();
    for (std::size_t i = 0; i < keys.size() && at != end; ++i) {
      at = std::lower_bound(at, end, keys[i]);
      if (at != end && *at == keys[i]) lacking[i] *= 1 - std::clamp(image.part, 0.0, 1.0);
    }
  }
  for (double& chance : lacking)
    chance = 1 - chance;
  return lacking;
}

unsigned common_shift(const TargetView& target, std::span<const SourceView> sources) {
  unsigned shift = target.signature->shift;
  const auto raise = [&](std::span<const HeldImage> held) {
    for (const HeldImage& image : held)
      shift = std::max(shift, image.signature->shift);
  };
  if (!target.missing) raise(target.others);
  for (const SourceView& source : sources)
    raise(source.others);
  return shift;
}

std::vector<std::uint64_t> sample(const TargetView& target, std::span<const SourceView> sources) {
  if (target.signature != nullptr) {
    return at_shift(*target.signature, common_shift(target, sources)).keys;
  }
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < stand_ins; ++i)
    keys.push_back(i << 52U);
  return keys;
}

/// Which sources hold which of the keys.
std::vector<std::vector<plan::SourceIndex>> holders(const TargetView& target,
                                                    std::span<const std::uint64_t> keys,
                                                    std::span<const SourceView> sources) {
  std::vector<std::vector<plan::SourceIndex>> held(keys.size());
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const SourceView& source = sources[s];
    const std::span<const HeldImage> others(source.others);
    const auto chance = chances(keys, target.signature != nullptr ? others : others.first(0));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const double one = 1 - (1 - std::clamp(source.part, 0.0, 1.0)) * (1 - chance[i]);
      if (one >= 1 || draw(keys[i], s) < one) {
        held[i].push_back(static_cast<plan::SourceIndex>(s));
      }
    }
  }
  return held;
}

bool is_partial(std::span<const HeldImage> held) {
  return std::ranges::any_of(
      held, [](const HeldImage& image) { return image.part < 1 || image.signature->shift > 0; });
}

bool is_exact(const TargetView& target, std::span<const SourceView> sources) {
  const bool all_whole =
      std::ranges::all_of(sources, [](const SourceView& s) { return s.part >= 1; });
  if (target.missing && all_whole) return true;
  const bool counted = target.signature != nullptr && target.signature->shift == 0 &&
                       (!target.missing || *target.missing >= target.blocks);
  return counted && (target.missing || !is_partial(target.others)) &&
         std::ranges::all_of(sources, [](const SourceView& s) {
           return s.part >= 1 || (s.part <= 0 && !is_partial(s.others));
         });
}

void add_sources(plan::Problem& problem, std::span<const SourceView> sources,
                 const OwnLinkInfo& own) {
  for (const SiteInfo& site : own.sites)
    problem.sites.push_back({.name = site.name, .uplink = site.uplink_bytes_per_second});
  if (own.ingress_bytes_per_second > 0) problem.ingress = own.ingress_bytes_per_second;
  for (const SourceView& view : sources) {
    plan::Source source = plan_source(view, rate_of(view.link));
    const auto site = std::ranges::find(own.sites, view.info.site, &SiteInfo::name);
    if (site != own.sites.end() && view.info.site != own.site) {
      source.site = static_cast<plan::SiteIndex>(site - own.sites.begin());
    }
    problem.sources.push_back(source);
  }
}

}  // namespace

double rate_of(const LinkView& link) {
  return link.rate_in.known() ? link.rate_in.mean : LinkEstimate{}.bytes_per_second;
}

plan::Source plan_source(const SourceView& view, double rate) {
  const Duration round_trip = view.link.round_trip.value_or(LinkEstimate{}.round_trip);
  return {.rate = rate * (1 - std::clamp(view.link.loss.fraction, 0.0, 0.99)),
          .delay = to_seconds(round_trip),
          .price = view.info.price_per_gib};
}

TransferEstimate estimate_transfer(const TargetView& target, std::span<const SourceView> sources,
                                   const OwnLinkInfo& own, double wire_ratio) {
  TransferEstimate estimate;
  estimate.exact = is_exact(target, sources);
  add_sources(estimate.problem, sources, own);
  const auto keys = sample(target, sources);
  std::vector<double> lacking(keys.size(), 1);
  if (!target.missing && target.signature != nullptr) {
    lacking = chances(keys, target.others);
    for (double& chance : lacking)
      chance = 1 - chance;
  }
  double weight = 0;
  for (const double chance : lacking)
    weight += chance;
  if (keys.empty() || weight <= 0) return estimate;
  const double all = static_cast<double>(target.blocks.value());
  const double blocks = target.missing ? static_cast<double>(target.missing->value())
                                       : all * weight / static_cast<double>(keys.size());
  const double wire_block =
      static_cast<double>(block_size) * wire_ratio + (target.tree_here ? 0 : Digest::size);

  std::map<std::vector<plan::SourceIndex>, double> classes;  // blocks
  const auto held = holders(target, keys, sources);
  for (std::size_t i = 0; i < keys.size(); ++i)
    classes[held[i]] += lacking[i] / weight * blocks;
  double wire = 0;
  for (const auto& [set, count] : classes) {
    const auto bytes = static_cast<std::uint64_t>(std::llround(count * wire_block));
    wire += static_cast<double>(bytes);
    if (set.empty()) {
      estimate.unheld = bytes_of(BlockCount(static_cast<std::uint64_t>(std::llround(count))));
    }
    estimate.problem.classes.push_back(
        {.holders = estimate.problem.holder_sets.add(set), .tier = 3, .bytes = bytes});
  }
  estimate.missing = bytes_of(BlockCount(static_cast<std::uint64_t>(std::llround(blocks))));
  estimate.wire = ByteCount(static_cast<std::uint64_t>(wire));
  return estimate;
}

}  // namespace weft::fetcher
