// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/placement.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr double gib = 1u << 30;
constexpr double unknown = std::numeric_limits<double>::infinity();

double amount(ByteCount bytes) {
  return static_cast<double>(bytes.value());
}

/// What a peer could bring of the missing bytes, and how fast.
struct Source {
  const NodeView* node;
  double bytes;
};

/// The least time in which `needed` bytes come from all sources together: the amount that has
/// come grows with time, by a rate that falls as sources run dry. nullopt: they have less.
std::optional<double> shortest_time(std::vector<Source> sources, double needed) {
  std::ranges::sort(sources, {},
                    [](const Source& s) { return s.bytes / s.node->bytes_per_second; });
  double rate = 0;
  for (const Source& source : sources)
    rate += source.node->bytes_per_second;
  double dry = 0;  // bytes of the sources that have run dry
  for (const Source& source : sources) {
    const double until = source.bytes / source.node->bytes_per_second;
    if (dry + rate * until >= needed) return (needed - dry) / rate;
    dry += source.bytes;
    rate -= source.node->bytes_per_second;
  }
  // Sums of parts may miss the whole by a rounding.
  if (dry >= needed * (1 - 1e-9) && !sources.empty()) {
    return sources.back().bytes / sources.back().node->bytes_per_second;
  }
  return std::nullopt;
}

void plan_here(Placement& here, ByteCount image, std::span<const NodeView> nodes) {
  const double needed = amount(*here.needs);
  std::vector<Source> sources;
  double unmeasured = 0;
  for (const NodeView& node : nodes) {
    if (node.is_here() || !node.connected || !node.share || node.share->bytes.value() == 0) {
      continue;
    }
    const double bytes = needed * std::min(1.0, amount(node.share->bytes) / amount(image));
    if (node.bytes_per_second > 0) {
      sources.push_back({&node, bytes});
    } else {
      unmeasured += bytes;
    }
  }
  const auto time = shortest_time(sources, needed);
  if (!time) {
    here.note = unmeasured > 0 ? "links to the nodes that hold it are not measured yet"
                               : "no connected node is known to hold all that is missing";
    return;
  }
  double price = 0;
  Duration round_trip{0};
  for (const Source& source : sources) {
    const double taken = std::min(source.bytes, *time * source.node->bytes_per_second);
    price += taken / gib * source.node->price_per_gib;
    round_trip = std::max(round_trip, source.node->round_trip);
    here.sources.push_back(source.node->address);
  }
  here.time = round_trip + from_seconds(*time);
  here.price = price;
}

void plan_there(Placement& there, ByteCount image, const NodeView* here) {
  const bool whole = here != nullptr && here->share && here->share->bytes >= image;
  if (!whole) {
    there.note = "this node lacks some of it, and links between other nodes are not known here";
    return;
  }
  if (!there.node.connected) {
    there.note = "not connected";
    return;
  }
  there.sources = {""};
  there.price = amount(*there.needs) / gib * there.node.price_per_gib;
  if (there.node.bytes_per_second > 0) {
    there.time =
        there.node.round_trip + from_seconds(amount(*there.needs) / there.node.bytes_per_second);
  } else {
    there.note = "the link to it is not measured yet";
  }
}

}  // namespace

Overlap shared_with_any(const Signature& target, std::span<const HeldImage> images) {
  unsigned shift = target.shift;
  bool whole = true;
  for (const HeldImage& image : images) {
    shift = std::max(shift, image.signature->shift);
    whole &= image.part >= 1;
  }
  const std::vector<std::uint64_t> keys = at_shift(target, shift).keys;
  std::vector<double> lacking(keys.size(), 1);
  for (const HeldImage& image : images) {
    auto at = image.signature->keys.begin();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      at = std::lower_bound(at, image.signature->keys.end(), keys[i]);
      if (at == image.signature->keys.end()) break;
      if (*at == keys[i]) lacking[i] *= 1 - std::clamp(image.part, 0.0, 1.0);
    }
  }
  double shared = 0;
  for (const double chance : lacking)
    shared += 1 - chance;
  Overlap overlap = estimate_overlap(target.unique_blocks, keys.size(),
                                     static_cast<std::uint64_t>(std::llround(shared)), shift);
  if (overlap.is_exact() && !whole) overlap.shift = 1;  // which part is there is not known
  return overlap;
}

std::vector<Placement> placements(ByteCount image, std::vector<NodeView> nodes) {
  const auto here = std::ranges::find_if(nodes, &NodeView::is_here);
  std::vector<Placement> all;
  for (const NodeView& node : nodes) {
    Placement placement{
        .node = node, .needs = {}, .time = {}, .price = {}, .sources = {}, .note = {}};
    if (!node.share) {
      placement.note = "what its images share with this one is not known yet";
    } else if (node.share->bytes >= image) {
      placement.needs = ByteCount(0);
      placement.time = Duration(0);
      placement.price = 0;
    } else {
      placement.needs = image - node.share->bytes;
      if (node.is_here()) {
        plan_here(placement, image, nodes);
      } else {
        plan_there(placement, image, here == nodes.end() ? nullptr : &*here);
      }
    }
    all.push_back(std::move(placement));
  }
  std::ranges::sort(all, {}, [&](const Placement& p) {
    return std::tuple(p.price.value_or(unknown), p.time.value_or(Duration::max()),
                      p.needs.value_or(image), p.node.address);
  });
  return all;
}

}  // namespace weft::fetcher
