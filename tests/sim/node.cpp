// SPDX-License-Identifier: Apache-2.0
// A simulated node as a target.
#include "tests/sim/node.h"

#include "indexer/core/mix.h"

#include <algorithm>
#include <utility>

namespace weft::sim {

using fetcher::RangeSet;
using fetcher::Scheduler;
using fetcher::wire::Priority;

World::World(std::uint64_t seed, BlockCount blocks)
    : network(events, seed ^ 0x6c696e6b), content{blocks}, random(seed) {
  image.bytes[0] = 1;
}

Node::Node(World& world, NodeIndex self, const NodeOptions& options)
    : world_(world),
      self_(self),
      options_(options),
      scheduler_(
          options.limits,
          options.choice ? options.choice() : std::make_unique<fetcher::LowestCompletionTime>(),
          options.order ? options.order() : std::make_unique<fetcher::PlannedOrder>()),
      book_(mix(self)) {
  scheduler_.add_image(world.image, world.content.blocks);
}

// --- Connections.

/// A handshake and a greeting later the peer can be asked; what it holds comes after one more round
/// trip.
void Node::connect(Node& server) {
  if (!alive_ || !server.alive_ || servers_.contains(server.self_)) return;
  auto session = std::make_shared<Session>();
  session->client = this;
  session->server = &server;
  servers_[server.self_] = session;
  const auto hop = [this, session](NodeIndex from, NodeIndex to, auto next) {
    world_.network.message(from, to, [session, next = std::move(next)]() mutable {
      if (!session->over) next();
    });
  };
  const NodeIndex other = server.self_;
  hop(self_, other, [this, hop, session, other] {
    hop(other, self_, [this, hop, session, other] {
      hop(self_, other, [this, hop, session, other] {
        session->server->accept(session);
        hop(other, self_, [this, session] { greeted(session); });
      });
    });
  });
}

void Node::greeted(const SessionPtr& session) {
  session->up = true;
  const NodeIndex other = session->server->self_;
  const Duration round_trip =
      world_.network.path(self_, other).delay + world_.network.path(other, self_).delay;
  scheduler_.peer_up(peer_id(other));
  scheduler_.link_measured(peer_id(other), 12.5e6, round_trip);
  scheduler_.holding(peer_id(other), world_.image, Scheduler::Holding::asked, now());
  world_.network.message(self_, other, [session] {
    if (session->over) return;
    session->watched = true;
    session->server->announce(session);
  });
  if (swarm_) {
    swarm_->connected(peer_id(other), node_id(other), session->server->options_.swarm, now());
    use_swarm();
    ask_swarm(session);
  }
  drain();
}

void Node::disconnect(Node& server) {
  const auto found = servers_.find(server.self_);
  if (found == servers_.end()) return;
  const SessionPtr session = found->second;
  lost(session);
  server.hang_up(session);
}

void Node::lost(const SessionPtr& session) {
  if (std::exchange(session->over, true)) return;
  const NodeIndex other = session->server->self_;
  world_.network.close(session->flow);
  servers_.erase(other);
  if (!alive_) return;
  if (swarm_) swarm_->gone(peer_id(other), now());
  scheduler_.peer_down(peer_id(other), now());
  drain();
}

std::vector<NodeIndex> Node::servers() const {
  std::vector<NodeIndex> all;
  for (const auto& [index, session] : servers_)
    all.push_back(index);
  return all;
}

bool Node::connected(NodeIndex server) const {
  const auto found = servers_.find(server);
  return found != servers_.end() && found->second->up;
}

// --- Wanting.

void Node::materialize() {
  if (options_.swarm) join_swarm();
  const std::vector<BlockRange> missing = held_.gaps({BlockIndex(0), world_.content.blocks});
  scheduler_.want(world_.image, missing, {}, Priority::prefetch, now());
  drain();
}

void Node::prefetch(const std::vector<fetcher::Urgency::Slice>& order) {
  scheduler_.set_urgency(world_.image, fetcher::Urgency(order));
  for (const fetcher::Urgency::Slice& slice : order) {
    for (const BlockRange& range : slice.blocks) {
      const std::vector<BlockRange> missing = held_.gaps(range);
      scheduler_.want(world_.image, missing, {}, Priority::prefetch, now());
    }
  }
  drain();
}

void Node::read(BlockRange range, Duration timeout, std::function<void()> done) {
  std::vector<BlockRange> missing = held_.gaps(range);
  if (missing.empty()) {
    ++figures_.reads_done;
    if (done) done();
    return;
  }
  const fetcher::FetchTicket ticket{++last_ticket_};
  reads_[ticket] = {now(), std::move(done)};
  scheduler_.read(world_.image,
                  {.ticket = ticket,
                   .range = range,
                   .missing = std::move(missing),
                   .nodes = {},
                   .deadline = now() + timeout,
                   .hold = true},
                  now());
  drain();
}

// --- What arrives.

void Node::deliver(const SessionPtr& session, const Batch& batch, bool wrong) {
  if (session->over || !alive_) return;
  const NodeIndex from = session->server->self_;
  session->rate.arrived(now(), batch.wire_bytes);
  if (batch.last) finished(*session, batch.fetch);
  figures_.wire_received += batch.wire_bytes;
  figures_.wire_from[from] += batch.wire_bytes;
  world_.note(static_cast<std::uint64_t>((now() - TimePoint{}).count()));
  world_.note((std::uint64_t{self_} << 32U) ^ from);
  for (const BlockRange& range : batch.blocks)
    world_.note(range.first.value());
  if (session->rate.samples() > 0) {
    const Duration round_trip =
        world_.network.path(self_, from).delay + world_.network.path(from, self_).delay;
    scheduler_.link_measured(peer_id(from), session->rate.bytes_per_second(), round_trip);
  }
  RangeSet useful(batch.blocks);
  if (const auto* fetch = scheduler_.fetch(batch.fetch)) useful.remove(fetch->superseded);
  const Scheduler::Verdict verdict = scheduler_.answered(
      batch.fetch, {batch.blocks, batch.absent, batch.wire_bytes, batch.last}, now());
  if (verdict != Scheduler::Verdict::fine) {
    figures_.stale_bytes += batch.wire_bytes;
  } else if (!useful.empty()) {
    world_.events.after(options_.landing, [this, blocks = useful.ranges(), from, wrong] {
      if (!alive_) return;
      if (wrong) {
        scheduler_.rejected(world_.image, blocks, now());
        scheduler_.ban(peer_id(from), world_.image, now());
        drain();
      } else {
        land(blocks, from);
      }
    });
  }
  drain();
}

void Node::land(const std::vector<BlockRange>& blocks, NodeIndex from) {
  for (const BlockRange& range : blocks) {
    const BlockCount before = held_.count();
    held_.add(range);
    figures_.landed_twice += (range.count - (held_.count() - before)).value();
    figures_.blocks_from[from] += range.count.value();
    landings_.push_back(range);
  }
  if (swarm_) swarm_->brought(peer_id(from), now());
  scheduler_.landed(world_.image, blocks, now());
  drain();
  if (complete() && !completed_at_) {
    completed_at_ = now();
    leave_swarm();
  }
}

void Node::told(const SessionPtr& session, bool complete, const std::vector<BlockRange>& added) {
  const fetcher::PeerId peer = peer_id(session->server->self_);
  if (complete) {
    scheduler_.holding(peer, world_.image, Scheduler::Holding::complete, now());
  } else {
    scheduler_.holding(peer, world_.image, added, {}, now());
  }
  drain();
}

// --- Commands.

void Node::drain() {
  if (draining_) return;
  draining_ = true;
  for (auto commands = scheduler_.take_commands(); !commands.empty();
       commands = scheduler_.take_commands()) {
    for (fetcher::Command& command : commands)
      perform(command);
  }
  draining_ = false;
  arm();
}

void Node::perform(fetcher::Command& command) {
  if (const auto* c = std::get_if<fetcher::SendBlocks>(&command)) return ask(*c);
  if (const auto* c = std::get_if<fetcher::RaiseFetch>(&command)) {
    return tell(c->peer, [id = c->id](Sender& sender) { sender.raise(id); });
  }
  if (const auto* c = std::get_if<fetcher::CancelFetch>(&command)) {
    const auto found = servers_.find(node_index(c->peer));
    if (found != servers_.end()) finished(*found->second, c->id);
    return tell(c->peer, [id = c->id](Sender& sender) { sender.cancel(id); });
  }
  if (const auto* c = std::get_if<fetcher::CompleteRead>(&command)) {
    ++figures_.reads_done;
    figures_.longest_read = std::max(figures_.longest_read, now() - reads_.at(c->ticket).since);
    figures_.read_times.push_back(now() - reads_.at(c->ticket).since);
    answered(c->ticket);
  }
  if (const auto* c = std::get_if<fetcher::FailRead>(&command)) {
    ++figures_.reads_failed;
    answered(c->ticket);
  }
  if (const auto* c = std::get_if<fetcher::MakePlan>(&command)) {
    world_.events.at(now() + options_.planning, [this, request = c->request] {
      if (!alive_) return;
      scheduler_.plan_made(world_.image, request->number, fetcher::solve(*request), now());
      drain();
    });
  }
  if (const auto* c = std::get_if<fetcher::LookAhead>(&command)) {
    const std::vector<BlockRange> missing = held_.gaps(c->range);
    scheduler_.want(world_.image, missing, {}, Priority::readahead, now());
  }
}

/// Whoever waits goes on by itself: it may read again.
void Node::answered(fetcher::FetchTicket ticket) {
  const auto read = reads_.extract(ticket);
  if (read.mapped().done) world_.events.after(Duration(0), read.mapped().done);
}

void Node::ask(const fetcher::SendBlocks& command) {
  const auto found = servers_.find(node_index(command.peer));
  if (found == servers_.end()) return;
  found->second->outstanding.insert(command.id);
  tell(command.peer, [id = command.id, ranges = command.ranges, priority = command.priority](
                         Sender& sender) { sender.add(id, ranges, priority); });
}

void Node::finished(Session& session, fetcher::FetchId fetch) {
  session.outstanding.erase(fetch);
  if (session.outstanding.empty()) session.rate.idle();
}

void Node::tell(fetcher::PeerId peer, std::function<void(Sender&)> what) {
  const auto found = servers_.find(node_index(peer));
  if (found == servers_.end()) return;
  const SessionPtr session = found->second;
  world_.network.message(self_, node_index(peer), [this, session, what = std::move(what)] {
    if (session->over) return;
    what(session->sender);
    world_.network.ready(session->flow);
  });
}

void Node::arm() {
  if (!alive_) return;
  const auto next = scheduler_.next_wakeup(now());
  if (!next || (timer_at_ && *timer_at_ <= *next)) return;
  timer_at_ = next;
  world_.events.at(*next, [this, when = *next] {
    if (!alive_ || timer_at_ != when) return;
    timer_at_.reset();
    scheduler_.tick(now());
    drain();
  });
}

}  // namespace weft::sim
