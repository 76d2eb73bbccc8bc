// SPDX-License-Identifier: Apache-2.0
// Scheduler: who is asked for which tree nodes.
#include "fetcher/schedule/scheduler.h"
#include "indexer/core/assert.h"

#include <algorithm>
#include <tuple>

namespace weft::fetcher {

using wire::Priority;

namespace {

/// Before tree nodes that nobody waits for are asked for elsewhere.
constexpr Duration shortest_patience = std::chrono::milliseconds(1500);

}  // namespace

void Scheduler::nodes_per_request(PeerId peer, std::size_t nodes) {
  if (const auto link = links_.find(peer); link != links_.end()) {
    link->second.nodes_per_request = nodes;
  }
}

// --- Questions.

/// What somebody waits for goes in requests of its own, so that it overtakes the rest.
void Scheduler::dispatch_nodes(const ImageId& id, Image& image, std::optional<PeerId> preferred,
                               Priority at_least, TimePoint now) {
  const TreeWants& nodes = image.schedule.nodes;
  if (!nodes.any_wanted(at_least)) return;
  if (preferred) send_demanded_nodes(id, image, *preferred, now);
  std::vector<PeerId> peers = usable(image.schedule.holders.with_image());
  std::ranges::sort(peers, {},
                    [&](PeerId peer) { return expected_completion(source(peer, {}), 1); });
  for (const PeerId peer : peers)
    send_demanded_nodes(id, image, peer, now);
  for (const Priority priority : {Priority::readahead, Priority::prefetch}) {
    if (priority <= at_least) spread_nodes(id, image, peers, priority, now);
  }
}

void Scheduler::send_demanded_nodes(const ImageId& id, Image& image, PeerId peer, TimePoint now) {
  while (send_nodes(id, image, peer, Priority::demand, links_.at(peer).nodes_per_request, now)) {
  }
}

/// What nobody waits for is asked for in small requests, and no more of it than keeps the links
/// full: many sources bring a tree sooner than one, and the blocks below what is here do not wait
/// for the rest. A thrifty job waits for the cheapest.
void Scheduler::spread_nodes(const ImageId& id, Image& image, std::vector<PeerId> peers,
                             Priority priority, TimePoint now) {
  constexpr std::uint64_t smallest = 32;
  while (image.schedule.nodes.any_wanted(priority)) {
    if (peers.empty()) return;
    const auto is_full = [&](PeerId peer) {
      const std::uint64_t window = links_.at(peer).window.window().value();
      return nodes_in_flight(peer) + smallest > std::max(window, 2 * smallest);
    };
    const auto best = std::ranges::min_element(peers, {}, [&](PeerId peer) {
      return std::tuple(image.thrifty() ? price(peer) : 0, is_full(peer),
                        seconds_for_nodes(peer, smallest));
    });
    if (is_full(*best)) return;
    const Link& link = links_.at(*best);
    const std::uint64_t size = std::min<std::uint64_t>(
        link.nodes_per_request, std::max(link.window.window().value() / 4, smallest));
    if (!send_nodes(id, image, *best, priority, size, now)) peers.erase(best);
  }
}

/// One request for `most` at most. False: there is nothing to ask this peer for.
bool Scheduler::send_nodes(const ImageId& id, Image& image, PeerId peer, Priority at_least,
                           std::size_t most, TimePoint now) {
  TreeWants& nodes = image.schedule.nodes;
  const double cost = price(peer);
  most = std::min<std::size_t>(most, image.money.affordable(cost).value());
  if (most == 0) return false;
  std::vector<TreeNode> ask = nodes.askable(peer, at_least, most);
  if (ask.empty()) return false;
  const NodeFetchId fetch{++last_node_fetch_};
  nodes.sent(ask, fetch);
  const BlockCount counted(ask.size());
  image.money.reserve(cost, counted);
  const Duration expected = from_seconds(seconds_for_nodes(peer, ask.size()));
  const Duration patience = at_least == Priority::demand
                                ? links_.at(peer).latency.patience(expected)
                                : std::max(shortest_patience, 4 * expected);
  node_fetches_.emplace(fetch, NodeFetch{peer, id, now + patience, expected, counted, cost});
  commands_.push_back(SendNodes{fetch, peer, id, std::move(ask), at_least});
  return true;
}

/// Until so many more of them are here. A node is as large as a block, and does not compress.
double Scheduler::seconds_for_nodes(PeerId peer, std::uint64_t nodes) const {
  SourceState state = source(peer, {});
  state.wire_bytes_per_block = block_size;
  return expected_completion(state, static_cast<double>(nodes_in_flight(peer) + nodes));
}

std::uint64_t Scheduler::nodes_in_flight(PeerId peer) const {
  std::uint64_t nodes = 0;
  for (const auto& [id, fetch] : node_fetches_)
    nodes += fetch.peer == peer ? fetch.nodes.value() : 0;
  return nodes;
}

/// A read waits for them. Those that are on their way are late earlier than they were.
void Scheduler::demand_nodes(Image& image, std::span<const TreeNode> nodes, TimePoint now) {
  for (const TreeNode& node : nodes) {
    image.schedule.nodes.want(node, Priority::demand);
    const auto fetch = image.schedule.nodes.fetch_of(node);
    const auto found = fetch ? node_fetches_.find(*fetch) : node_fetches_.end();
    if (found == node_fetches_.end()) continue;
    NodeFetch& awaited = found->second;
    const Duration patience = links_.at(awaited.peer).latency.patience(awaited.expected);
    awaited.late_at = std::min(awaited.late_at, now + patience);
  }
}

/// What is late, or was asked of a link that has stalled, is asked of others that may have it.
void Scheduler::leave_late_nodes(TimePoint now) {
  std::vector<NodeFetchId> late;
  for (const auto& [id, fetch] : node_fetches_) {
    if (fetch.late_at > now && is_alive(fetch.peer)) continue;
    const Holders& holders = at(fetch.image).schedule.holders;
    const bool elsewhere = std::ranges::any_of(links_, [&](const auto& other) {
      return other.first != fetch.peer && other.second.lively() && holders.has_image(other.first);
    });
    if (elsewhere) late.push_back(id);
  }
  for (const NodeFetchId id : late)
    end_node_fetch(id, true, now);
}

// --- Answers.

Scheduler::Verdict Scheduler::nodes_answered(NodeFetchId id, std::span<const TreeNode> present,
                                             TimePoint now) {
  const auto found = node_fetches_.find(id);
  if (found == node_fetches_.end()) return Verdict::stale;
  const NodeFetch fetch = found->second;
  node_fetches_.erase(found);
  TreeWants& nodes = at(fetch.image).schedule.nodes;
  at(fetch.image)
      .money.came(fetch.price, fetch.nodes, present.size() * MoneyLedger::most_bytes_per_block);
  if (!nodes.answered(id, fetch.peer, present, now + limits_.absent_for)) {
    for (const TreeNode& node : present)
      nodes.returned(node);
    return Verdict::unasked;
  }
  dispatch(now);
  return Verdict::fine;
}

void Scheduler::nodes_failed(NodeFetchId id, bool lacks, TimePoint now) {
  if (!node_fetches_.contains(id)) return;
  end_node_fetch(id, lacks, now);
  dispatch(now);
}

/// Nothing came. `lacks`: nor is the peer asked for them again at once.
void Scheduler::end_node_fetch(NodeFetchId id, bool lacks, TimePoint now) {
  const NodeFetch fetch = node_fetches_.extract(id).mapped();
  Image& image = at(fetch.image);
  image.money.lost(fetch.price, fetch.nodes);
  if (lacks) {
    (void)image.schedule.nodes.answered(id, fetch.peer, {}, now + limits_.absent_for);
  } else {
    image.schedule.nodes.failed(id);
  }
}

void Scheduler::nodes_landed(const ImageId& id, std::span<const TreeNode> nodes, TimePoint now) {
  for (const TreeNode& node : nodes)
    at(id).schedule.nodes.landed(node);
  if (!nodes.empty()) at(id).haves_due = Priority::prefetch;
  dispatch(now);
}

void Scheduler::nodes_rejected(const ImageId& id, std::span<const TreeNode> nodes, TimePoint now) {
  for (const TreeNode& node : nodes)
    at(id).schedule.nodes.returned(node);
  dispatch(now);
}

}  // namespace weft::fetcher
