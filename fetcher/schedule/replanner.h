// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/link_pace.h"
#include "fetcher/schedule/plan_queues.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace weft::fetcher {

/// When to plan one image again, and why. Pure; the caller plans, one plan at a time.
///
/// A plan is as good as what it assumed. It is made anew when
/// - nothing is planned yet, or a holder came or went, or the operator or the job changed
/// something;
/// - a link's rate is off by more than a quarter from what the plan assumed, or it stalled, or goes
///   on after a stall; or the same is true of how well the image compresses;
/// - more than 1/16 of what is wanted came after the plan, or has new holders since, or lost some;
/// - a tier is done;
/// - the budget does not pay any more for what is planned, and another plan would cost less.
///
/// Not more often than every 250 ms; for news by which little time is lost, once a second; never so
/// that solving takes more than a tenth of the time.
class Replanner {
 public:
  enum class Why : std::uint8_t { first, holders, rates, wants, tier, goal, money };

  // --- What happened.
  /// A peer that holds something came, went, or was banned.
  void holders_changed() { holders_changed_ = true; }
  /// A peer holds so many more or fewer blocks.
  void holdings_changed(BlockCount blocks) { holdings_ += blocks; }
  /// Goal, price, site, cap.
  void goal_changed() { goal_changed_ = true; }

  struct View {
    TimePoint now;
    const PlanQueues& queues;
    std::span<const LinkPace> links;  ///< of lively holders, ascending
    double wire_bytes_per_block = 0;
    bool short_of_money = false;
  };
  /// Why to plan now. Nothing is due while a plan is being made.
  [[nodiscard]] std::optional<Why> due(const View& view) const;
  /// A plan is being made from this.
  void asked(const View& view);
  /// It is installed, but for `unheld` blocks that nobody holds.
  void installed(const View& view, BlockCount unheld);
  /// It could not be made, from `wanted` blocks: tried again after a while, or when that changes.
  void failed(TimePoint now, BlockCount wanted);
  [[nodiscard]] bool being_made() const { return being_made_; }
  /// There is no plan any more, nor anything to plan.
  void forget();

 private:
  [[nodiscard]] std::optional<Why> reason(const View& view) const;
  [[nodiscard]] bool rates_are_off(const View& view, bool (*off_by)(double, double)) const;

  bool being_made_ = false;
  bool planned_ = false;
  bool holders_changed_ = false;
  bool goal_changed_ = false;
  BlockCount holdings_;
  BlockCount unheld_;
  TimePoint asked_at_{};
  TimePoint rest_until_{};            // so that solving takes a tenth of the time at most
  std::map<PeerId, double> assumed_;  // rates
  double assumed_wire_ = 0;
  std::uint8_t tier_ = 0;
};

}  // namespace weft::fetcher
