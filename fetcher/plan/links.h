// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <limits>
#include <span>
#include <vector>

/// The links of a problem with every oddity removed, and how much they can carry: the ground under
/// planner, bounds and checks. Pure.
namespace weft::fetcher::plan {

inline constexpr double never = std::numeric_limits<double>::infinity();
inline constexpr SiteIndex no_site = std::numeric_limits<SiteIndex>::max();

struct Link {
  double rate = 0;  ///< bytes a second, at most 10^15; 0: not used
  double delay = 0;
  double price = 0;  ///< per byte
  SiteIndex site = no_site;
  /// Behind an uplink or an ingress that can be full, so that others matter to it.
  bool shared = false;
};

struct Links {
  std::vector<Link> sources;
  /// Infinite where all sources of the site together are slower, or nothing is known.
  std::vector<double> uplinks;
  double ingress = never;

  [[nodiscard]] bool usable(SourceIndex source) const { return sources[source].rate > 0; }
  [[nodiscard]] bool capped(SourceIndex source) const {
    return sources[source].site != no_site && uplinks[sources[source].site] < never;
  }
};

[[nodiscard]] Links clean_links(const Problem& problem);

/// When `bytes` are here if each source p sends, for this alone, all it can from its delay to
/// `until[p]` (0: not at all), and uplinks and ingress let through what they can. `never` if that
/// is not enough. O(P log P + P × sites).
[[nodiscard]] double time_to_carry(const Links& links, std::span<const double> until, double bytes);

/// How many bytes these are by `time`.
[[nodiscard]] double carried_by(const Links& links, std::span<const double> until, double time);

/// What lets through less than the sources send just before `time`.
struct Bottleneck {
  std::vector<SourceIndex> sources;
  std::vector<SiteIndex> sites;
  bool ingress = false;
};
[[nodiscard]] Bottleneck bottleneck(const Links& links, std::span<const double> until, double time);

}  // namespace weft::fetcher::plan
