// SPDX-License-Identifier: Apache-2.0
// A simulated node as a source, and its end.
#include "tests/sim/node.h"

#include <utility>

namespace weft::sim {
namespace {

constexpr Duration poll = std::chrono::milliseconds(500);  // PeerServerOptions::residency_poll
constexpr Duration dead_after = std::chrono::seconds(10);  // PeerOptions::dead_after

}  // namespace

void Node::hold(BlockRange range) {
  held_.add(range);
  landings_.push_back(range);
}

void Node::accept(const SessionPtr& session) {
  clients_[session->client->self_] = session;
  session->flow =
      world_.network.open(self_, session->client->self_,
                          [this, weak = std::weak_ptr(session)] { return next_parcel(weak); });
}

std::optional<Parcel> Node::next_parcel(const std::weak_ptr<Session>& weak) {
  const SessionPtr session = weak.lock();
  if (!session || session->over || !alive_) return std::nullopt;
  std::optional<Batch> batch = session->sender.next(held_, world_.content);
  if (!batch) return std::nullopt;
  const std::size_t bytes = batch->wire_bytes;
  return Parcel{bytes, [session, b = *std::move(batch), wrong = corrupt_] {
                  session->client->deliver(session, b, wrong);
                }};
}

/// What has come since the last time; at once when the client begins to watch, then twice a second.
void Node::announce(const SessionPtr& session) {
  if (session->over || !alive_) return;
  const bool first = session->announced == 0;
  if (first || session->announced < landings_.size()) {
    fetcher::RangeSet added;
    for (; session->announced < landings_.size(); ++session->announced)
      added.add(landings_[session->announced]);
    world_.network.message(self_, session->client->self_,
                           [session, all = complete(), ranges = added.ranges()] {
                             if (!session->over) session->client->told(session, all, ranges);
                           });
  }
  world_.events.after(poll, [session] { session->server->announce(session); });
}

void Node::hang_up(const SessionPtr& session) {
  const auto found = clients_.find(session->client->self_);
  if (found == clients_.end() || found->second != session) return;
  clients_.erase(found);
  book_.left(node_id(session->client->self_));
}

void Node::kill() {
  alive_ = false;
  for (const auto& [index, session] : std::exchange(clients_, {})) {
    // Its kernel says so to whoever is connected.
    world_.network.message(self_, index, [session] { session->client->lost(session); });
  }
  for (const auto& [index, session] : std::exchange(servers_, {})) {
    session->over = true;
    world_.network.close(session->flow);
    session->server->hang_up(session);
  }
}

void Node::lose() {
  world_.network.cut(self_);
  silent_for_good(dead_after);
}

void Node::silent_for_good(Duration until_noticed) {
  for (const auto& [index, session] : clients_) {
    world_.events.after(until_noticed, [session] { session->client->lost(session); });
  }
}

}  // namespace weft::sim
