// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/replanner.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {
namespace {

constexpr Duration soonest = std::chrono::milliseconds(250);
constexpr Duration at_leisure = std::chrono::seconds(1);
constexpr Duration longest_rest = std::chrono::seconds(5);
constexpr double off = 0.25;
constexpr double far_off = 2;  // a factor
constexpr std::uint64_t share = 16;
constexpr BlockCount worth_planning(64);  // less is asked for before a plan is here

bool differs(double now, double assumed) {
  return std::abs(now - assumed) > off * assumed;
}

bool differs_much(double now, double assumed) {
  return now > far_off * assumed || assumed > far_off * now;
}

}  // namespace

std::optional<Replanner::Why> Replanner::due(const View& view) const {
  if (being_made_ || view.now < rest_until_) return std::nullopt;
  const std::optional<Why> why = reason(view);
  if (!why || !planned_) return why;
  const bool urgent = *why == Why::holders || *why == Why::goal || *why == Why::money ||
                      (*why == Why::rates && rates_are_off(view, differs_much));
  if (view.now - asked_at_ < (urgent ? soonest : at_leisure)) return std::nullopt;
  return why;
}

std::optional<Replanner::Why> Replanner::reason(const View& view) const {
  const BlockCount unplanned = view.queues.unplanned().count();
  const BlockCount wanted = view.queues.planned() + unplanned;
  if (view.links.empty()) return std::nullopt;
  // However little it is: those who were to bring it may not be asked.
  if (view.short_of_money && planned_) return Why::money;
  if (wanted < worth_planning) return std::nullopt;
  if (!planned_) return Why::first;
  if (holders_changed_) return Why::holders;
  if (goal_changed_) return Why::goal;
  const BlockCount material(wanted.value() / share);
  if (unplanned > unheld_ + material || holdings_ > material ||
      (unheld_ > BlockCount(0) && holdings_ > BlockCount(0))) {
    return Why::wants;
  }
  if (view.queues.planned() == BlockCount(0)) return std::nullopt;  // all that can be is under way
  if (rates_are_off(view, differs)) return Why::rates;
  if (view.queues.tier() > tier_) return Why::tier;
  return std::nullopt;
}

bool Replanner::rates_are_off(const View& view, bool (*off_by)(double, double)) const {
  if (view.links.size() != assumed_.size()) return true;
  for (const LinkPace& link : view.links) {
    const auto assumed = assumed_.find(link.peer);
    if (assumed == assumed_.end() || off_by(link.bytes_per_second, assumed->second)) return true;
  }
  return off_by(view.wire_bytes_per_block, assumed_wire_);
}

void Replanner::asked(const View& view) {
  being_made_ = true;
  asked_at_ = view.now;
  holders_changed_ = goal_changed_ = false;
  holdings_ = BlockCount(0);
  assumed_wire_ = view.wire_bytes_per_block;
  assumed_.clear();
  for (const LinkPace& link : view.links)
    assumed_[link.peer] = link.bytes_per_second;
}

void Replanner::installed(const View& view, BlockCount unheld) {
  being_made_ = false;
  planned_ = true;
  unheld_ = unheld;
  tier_ = view.queues.tier();
  rest_until_ = view.now + std::min(9 * (view.now - asked_at_), longest_rest);
}

void Replanner::failed(TimePoint now, BlockCount wanted) {
  being_made_ = false;
  planned_ = true;
  unheld_ = wanted;
  rest_until_ = now + longest_rest;
}

void Replanner::forget() {
  const bool making = being_made_;
  *this = {};
  being_made_ = making;
}

}  // namespace weft::fetcher
