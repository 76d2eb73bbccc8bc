// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/link_monitor.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr double least_samples = 1e-6;  // about 2½ days without a new one

}  // namespace

void LinkMonitor::load(LinkRecord record, Duration age, TimePoint now) {
  Link link;
  link.address = std::move(record.address);
  link.ended.rate = faded(record.rate_in, age, half_life);
  if (record.round_trip) {
    link.ended.round_trip = *record.round_trip;
    link.ended.round_trip_measured = true;
  }
  link.ended_at = now;
  link.out.assume(faded(record.rate_out, age, half_life), now);
  link.service = ServiceMeter(record.service, age);
  links_.insert_or_assign(record.node, std::move(link));
}

LinkEstimate LinkMonitor::current(const Link& link, TimePoint now) {
  if (link.reading) return link.reading();
  LinkEstimate estimate = link.ended;
  estimate.rate = faded(estimate.rate, now - link.ended_at, half_life);
  return estimate;
}

LinkEstimate LinkMonitor::prior(const NodeId& node, TimePoint now) const {
  LinkEstimate prior;
  const auto known = links_.find(node);
  if (known == links_.end()) return prior;
  const LinkEstimate before = current(known->second, now);
  prior.rate = before.rate;
  if (before.rate.known()) prior.bytes_per_second = before.rate.mean;
  if (before.round_trip_measured) {
    prior.round_trip = before.round_trip;
    prior.round_trip_measured = true;
  }
  return prior;
}

void LinkMonitor::up(const NodeId& node, std::string address, Reading reading, TimePoint now) {
  Link& link = links_[node];
  link.address = std::move(address);
  link.reading = std::move(reading);
  link.service.up(now);
}

void LinkMonitor::down(const NodeId& node, bool wanted, TimePoint now) {
  const auto known = links_.find(node);
  if (known == links_.end()) return;
  Link& link = known->second;
  if (link.reading) {
    link.ended = std::exchange(link.reading, nullptr)();
    link.ended_at = now;
  }
  if (wanted) {
    link.service.down(now);
  } else {
    link.service.unwatched(now);
  }
  link.service.stalled(std::exchange(link.ended.stalled, Duration(0)),
                       std::exchange(link.ended.stalls, 0u), now);
  if (on_lost_) on_lost_();
}

LinkMonitor::Link* LinkMonitor::of_connection(const NodeId& node) {
  if (links_.size() >= most_nodes && !links_.contains(node)) return nullptr;
  return &links_[node];
}

void LinkMonitor::sent(const NodeId& node, std::size_t bytes) {
  if (Link* link = of_connection(node)) link->sent += bytes;
}

void LinkMonitor::sent(const NodeId& node, double bytes_per_second, Duration busy, TimePoint now) {
  if (Link* link = of_connection(node)) {
    link->out.add(bytes_per_second, to_seconds(busy), now);
  }
}

ServiceMeter LinkMonitor::service_at(const Link& link, const LinkEstimate& measured,
                                     TimePoint now) {
  ServiceMeter service = link.service;
  if (link.reading) service.stalled(measured.stalled, measured.stalls, now);
  return service;
}

LinkView LinkMonitor::view_of(const Link& link, TimePoint now) {
  const LinkEstimate measured = current(link, now);
  LinkView view;
  view.rate_in = measured.rate;
  view.rate_out = link.out.at(now);
  view.sent = link.sent;
  if (measured.round_trip_measured) view.round_trip = measured.round_trip;
  view.loss = service_at(link, measured, now).at(now);
  return view;
}

std::optional<LinkView> LinkMonitor::view(const NodeId& node, TimePoint now) const {
  const auto known = links_.find(node);
  if (known == links_.end()) return std::nullopt;
  return view_of(known->second, now);
}

std::optional<LinkView> LinkMonitor::view_at(std::string_view address, TimePoint now) const {
  const auto known = std::ranges::find_if(
      links_, [&](const auto& link) { return link.second.address == address; });
  if (known == links_.end()) return std::nullopt;
  return view_of(known->second, now);
}

std::vector<LinkRecord> LinkMonitor::records(TimePoint now) const {
  std::vector<LinkRecord> all;
  for (const auto& [node, link] : links_) {
    const LinkEstimate measured = current(link, now);
    const ServiceMeter service = service_at(link, measured, now);
    LinkRecord record{.node = node,
                      .address = link.address,
                      .rate_in = measured.rate,
                      .rate_out = link.out.at(now),
                      .round_trip = {},
                      .service = service.sums(now)};
    const bool worth = record.rate_in.samples > least_samples ||
                       record.rate_out.samples > least_samples || service.at(now).watched > 1;
    if (!worth) continue;
    if (measured.round_trip_measured) record.round_trip = measured.round_trip;
    all.push_back(std::move(record));
  }
  return all;
}

}  // namespace weft::fetcher
