// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_info.h"
#include "fetcher/plan/problem.h"
#include "fetcher/schedule/holders.h"
#include "fetcher/schedule/link_pace.h"
#include "fetcher/schedule/plan_queues.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/schedule/urgency.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Between the scheduler and the planner (`fetcher/plan/`): what is asked of it, and its answer in
/// the scheduler's terms. Pure.
namespace weft::fetcher {

/// Everything a plan of one image is made from: a snapshot, so that a worker can solve it. Copied
/// from the scheduler's books in O(runs).
struct PlanRequest {
  std::uint64_t number = 0;  ///< of this scheduler; names the answer
  RangeSet wanted;           ///< nobody waits for it and it is not on its way
  Urgency urgency;           ///< what of it is needed earlier than the rest
  Holders holders;
  std::vector<LinkPace> links;         ///< that may be used, ascending
  std::vector<SiteInfo> sites;         ///< what `LinkPace::capped_site` counts
  double ingress = 0;                  ///< bytes per second on the wire; 0: no cap
  double wire_bytes_per_block = 4096;  ///< of this image
  plan::Goal goal;
};

/// What a plan says will happen, counted from when it was asked for. Bytes are on the wire.
struct PlanForecast {
  struct Tier {
    plan::Tier tier = stage_of(last_tier);  ///< a stage: 1, 2 or 3
    ByteCount bytes;
    Duration finish{0};  ///< its last byte is here
    Duration bound{0};   ///< proved: it cannot be here earlier
    std::string why;     ///< for people: what it waits for
  };
  struct Source {
    PeerId peer{};
    ByteCount bytes;
    Duration finish{0};
    double cost = 0;
    std::string why;  ///< for people
  };
  std::vector<Tier> tiers;  ///< ascending; only those with bytes that somebody holds
  std::vector<Source> sources;
  double cost = 0;
  double least_cost = 0;
  BlockCount unheld;  ///< planned for nobody, since nobody holds them

  [[nodiscard]] Duration finish() const {
    return tiers.empty() ? Duration(0) : tiers.back().finish;
  }
  [[nodiscard]] Duration bound() const { return tiers.empty() ? Duration(0) : tiers.back().bound; }
};

struct PlanAnswer {
  std::uint64_t number = 0;
  PlanQueues::Queues queues;
  PlanForecast forecast;
};

/// What became of the plans of an image.
struct PlanStatus {
  PlanForecast forecast;  ///< of the newest plan, counted from `at`
  TimePoint at;
  double spent = 0;            ///< then, or on its way
  std::uint64_t plans = 0;     ///< made so far
  std::optional<Error> error;  ///< why there is no newer one
};

/// Groups what is wanted into classes, plans, and divides it into queues. Takes up to a second for
/// 10^6 blocks in small pieces: for a worker. Where no plan is within the budget, the cheapest: the
/// money then goes as far as it can. Errors: as `make_plan`.
[[nodiscard]] Result<PlanAnswer> solve(const PlanRequest& request);

}  // namespace weft::fetcher
