// SPDX-License-Identifier: Apache-2.0
// Scheduler: when to plan, with what, and what becomes of a plan.
#include "fetcher/schedule/scheduler.h"
#include "indexer/core/assert.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

namespace weft::fetcher {

using wire::Priority;

namespace {

constexpr Duration look_every = std::chrono::milliseconds(50);
/// What images are like until something has come: half of what they are, for a few batches.
constexpr double usual_wire_bytes = block_size / 2.0;
constexpr double usual_weight = 128;
/// In flight at a link that would need so much longer than the plan: called back.
constexpr double far_too_late = 2;
constexpr Duration and_this = std::chrono::seconds(1);

}  // namespace

/// With a budget, the most at first: a plan that thinks too little of it spends on speed what the
/// rest will need.
double ScheduledImage::wire_bytes_per_block() const {
  const double usual =
      money.limited() ? double{MoneyLedger::most_bytes_per_block} : usual_wire_bytes;
  return (wire_bytes + usual_weight * usual) / (wire_blocks + usual_weight);
}

void Scheduler::set_goal(const ImageId& id, plan::Goal goal) {
  at(id).goal = goal;
  const bool budgeted = goal.kind == plan::Goal::Kind::within_budget;
  at(id).money.set_budget(budgeted ? std::optional(goal.budget) : std::nullopt);
  at(id).replanner.goal_changed();
}

void Scheduler::set_urgency(const ImageId& id, Urgency urgency) {
  Image& image = at(id);
  image.urgency = std::move(urgency);
  image.replanner.goal_changed();
}

void Scheduler::plan_if_due(const ImageId& id, Image& image, TimePoint now) {
  const ImageSchedule& schedule = image.schedule;
  if (image.order) return;  // it needs no plan
  if (awaits_offers(image)) return;
  if (schedule.wanted(Priority::prefetch).empty() || image.replanner.being_made()) return;
  if (image.planned && now < image.look_at_plan) return;
  image.look_at_plan = now + look_every;
  const std::vector<LinkPace> links = lively_holders(image);
  const Replanner::View view{now, schedule.queues(), links, image.wire_bytes_per_block(),
                             is_short_of_money(image)};
  if (!image.replanner.due(view)) return;
  image.replanner.asked(view);
  image.plan_number = ++last_plan_;
  auto request = std::make_shared<PlanRequest>();
  request->number = image.plan_number;
  request->wanted = schedule.wanted(Priority::prefetch);
  request->urgency = image.urgency;
  request->holders = schedule.holders;
  request->links = links;
  request->sites = own_link_.sites;
  request->ingress = ingress(image);
  request->wire_bytes_per_block = view.wire_bytes_per_block;
  request->goal = goal_of_plan(image, *request);
  commands_.push_back(MakePlan{id, std::move(request)});
}

/// A plan sees what is wanted by now. It must not spend on speed what the rest of the image needs,
/// which costs at most what the cheapest peer with all of it takes, or else the dearest; nor buy
/// with the share of the rest a little time now that would be more later.
plan::Goal Scheduler::goal_of_plan(const Image& image, const PlanRequest& request) {
  plan::Goal goal = image.goal;
  const auto left = image.money.expected_left(request.wire_bytes_per_block);
  if (!left) return goal;
  double dearest = 0;
  double of_all = std::numeric_limits<double>::infinity();
  for (const LinkPace& link : request.links) {
    dearest = std::max(dearest, link.price_per_gib);
    if (request.holders.is_complete(link.peer)) of_all = std::min(of_all, link.price_per_gib);
  }
  const auto wanted = static_cast<double>(request.wanted.count().value());
  const auto to_come = static_cast<double>(image.to_come.value());
  const double gibs = to_come * request.wire_bytes_per_block / (1 << 30);
  const double share = to_come > 0 ? *left * to_come / (wanted + to_come) : 0;
  const double needed = to_come > 0 ? gibs * std::min(dearest, of_all) : 0;
  goal.budget = std::max(0.0, *left - std::max(share, needed));
  return goal;
}

void Scheduler::more_to_come(const ImageId& id, BlockCount blocks) {
  Image& image = at(id);
  const BlockCount before = std::exchange(image.to_come, blocks);
  if (image.money.limited() && before > blocks && blocks == BlockCount(0)) {
    image.replanner.goal_changed();
  }
}

/// Somebody may be about to say that it has the same for less.
bool Scheduler::awaits_offers(const Image& image) {
  return image.thrifty() && image.schedule.holders.any_asked();
}

/// What is left does not pay for what the plan still wants, and another plan would cost less.
bool Scheduler::is_short_of_money(const Image& image) const {
  const double bytes = image.wire_bytes_per_block();
  const auto left = image.money.expected_left(bytes);
  if (!left || !image.planned || image.planned->error) return false;
  const PlanForecast& forecast = image.planned->forecast;
  if (forecast.cost <= forecast.least_cost * (1 + 1e-9)) return false;
  double cost = 0;
  for (const auto& [peer, link] : links_) {
    const auto blocks = static_cast<double>(image.schedule.queues().left(peer).value());
    cost += blocks * bytes * price(peer) / (1 << 30);
  }
  return cost > *left * (1 + 1e-6);
}

/// Bytes per second on the wire that this job can take in; 0: no limit.
double Scheduler::ingress(const Image& image) const {
  double least = own_link_.ingress_bytes_per_second;
  const auto limit = [&](double rate) {
    if (rate > 0) least = least > 0 ? std::min(least, rate) : rate;
  };
  limit(image.cap.rate() * image.wire_bytes_per_block() / block_size);
  return least;
}

void Scheduler::plan_made(const ImageId& id, std::uint64_t number, const Result<PlanAnswer>& answer,
                          TimePoint now) {
  const auto found = images_.find(id);
  if (found == images_.end() || found->second.plan_number != number) return;
  Image& image = found->second;
  image.plan_number = 0;
  if (!image.planned) image.planned.emplace();
  PlanStatus& planned = *image.planned;
  if (!answer) {
    planned.error = answer.error();
    image.replanner.failed(now, image.schedule.wanted(Priority::prefetch).count());
    return;
  }
  planned = {answer->forecast, now, image.money.spent() + image.money.reserved(), planned.plans + 1,
             std::nullopt};
  install(image, answer->queues);
  const std::vector<LinkPace> links = lively_holders(image);
  image.replanner.installed({now, image.schedule.queues(), links, image.wire_bytes_per_block()},
                            answer->forecast.unheld);
  recall_what_is_late(image);
  image.haves_due = Priority::prefetch;
  dispatch(now);
}

void Scheduler::install_plan(const ImageId& id, const PlanQueues::Queues& queues, TimePoint now) {
  install(at(id), queues);
  dispatch(now);
}

void Scheduler::install(Image& image, const PlanQueues::Queues& queues) {
  image.schedule.install(queues);
  for (const auto& [peer, entries] : queues) {
    if (!links_.contains(peer) || image.schedule.holders.is_banned(peer)) {
      image.schedule.drop_queue(peer);
    }
  }
}

/// What nobody waits for and a link would bring long after all else is here, because it has become
/// slow since it was asked.
void Scheduler::recall_what_is_late(Image& image) {
  const double finish = to_seconds(image.planned->forecast.finish());
  const double latest = far_too_late * finish + to_seconds(and_this);
  const std::vector<LinkPace> links = lively_holders(image);
  std::vector<FetchId> late;
  for (const auto& [fetch, entry] : image.schedule.fetches()) {
    if (entry.priority <= Priority::demand || entry.remaining.empty()) continue;
    const LinkPace* link = find_pace(links, entry.peer);
    if (link == nullptr || link->seconds_for(0) <= latest) continue;
    const BlockIndex first = entry.remaining.first();
    const bool elsewhere = std::ranges::any_of(links, [&](const LinkPace& other) {
      return other.peer != entry.peer && other.seconds_for(0) <= latest &&
             image.schedule.holders.holds(other.peer, first);
    });
    if (elsewhere) late.push_back(fetch);
  }
  leave(image, late);
}

bool Scheduler::is_wire_known(const ImageId& id) const {
  const auto it = images_.find(id);
  return it != images_.end() && it->second.wire_blocks > 4 * usual_weight;
}

const PlanStatus* Scheduler::plan(const ImageId& id) const {
  const auto it = images_.find(id);
  return it == images_.end() || !it->second.planned ? nullptr : &*it->second.planned;
}

}  // namespace weft::fetcher
