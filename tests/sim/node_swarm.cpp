// SPDX-License-Identifier: Apache-2.0
// A simulated node among others that fetch the same image.
#include "tests/sim/node.h"

#include <charconv>
#include <utility>

namespace weft::sim {

NodeId node_id(NodeIndex index) {
  NodeId id;
  for (std::size_t i = 0; i < sizeof index; ++i)
    id.bytes[i] = static_cast<std::uint8_t>((index + 1) >> (8 * i));
  return id;
}

std::string address_of(NodeIndex index) {
  return "node:" + std::to_string(index);
}

namespace {

Node* dial(const World& world, const std::string& address) {
  NodeIndex index = 0;
  const char* begin = address.data() + address.find(':') + 1;
  const auto parsed = std::from_chars(begin, address.data() + address.size(), index);
  return parsed.ec == std::errc{} ? world.find(index) : nullptr;
}

}  // namespace

void Node::join_swarm() {
  if (swarm_) return;
  book_.fetching(world_.image);
  swarm_.emplace(node_id(self_), world_.image, world_.content.blocks, world_.random(),
                 options_.swarm_limits);
  for (const auto& [index, session] : servers_) {
    if (!session->up) continue;
    swarm_->connected(peer_id(index), node_id(index), session->server->options_.swarm, now());
    ask_swarm(session);
  }
  tick_swarm();
}

void Node::use_swarm() {
  scheduler_.use_order(world_.image, swarm_ && swarm_->active() ? swarm_->order() : nullptr);
}

fetcher::wire::SwarmRequest Node::swarm_request() const {
  return {.image = world_.image, .port = 1, .complete = complete(), .most = 16};
}

void Node::ask_swarm(const SessionPtr& session) {
  const NodeIndex other = session->server->self_;
  if (!session->server->options_.swarm) return;
  world_.network.message(self_, other, [this, session, request = swarm_request()] {
    Node& server = *session->server;
    if (session->over || !server.alive_) return;
    const auto answer =
        server.book_.asked(request, node_id(self_), address_of(self_), server.now());
    world_.network.message(server.self_, self_, [this, session, answer] {
      if (session->over || !swarm_) return;
      swarm_->answered(peer_id(session->server->self_), answer, now());
      use_swarm();
      scheduler_.tick(now());
      drain();
    });
  });
}

void Node::tick_swarm() {
  if (!swarm_ || !alive_) return;
  swarm_->called_by(book_.members(world_.image, 4, now()));
  const fetcher::ImageSchedule& schedule = *scheduler_.image(world_.image);
  const auto actions = swarm_->tick({.wanted = schedule.wanted(fetcher::wire::Priority::prefetch),
                                     .holders = schedule.holders,
                                     .idle = schedule.busy() == BlockCount(0)},
                                    now());
  for (const fetcher::PeerId peer : actions.ask) {
    if (const auto found = servers_.find(node_index(peer)); found != servers_.end()) {
      ask_swarm(found->second);
    }
  }
  for (const std::string& address : actions.hang_up) {
    if (Node* other = dial(world_, address)) disconnect(*other);
  }
  for (const std::string& address : actions.dial) {
    if (Node* other = dial(world_, address)) connect(*other);
  }
  use_swarm();
  scheduler_.tick(now());
  drain();
  world_.events.after(fetcher::Swarm::tick_every, [this] { tick_swarm(); });
}

/// Everything is here: those it has asked are told, and what was dialled for this is given up.
void Node::leave_swarm() {
  if (!swarm_) return;
  for (const auto& [index, session] : servers_) {
    if (session->up) ask_swarm(session);
  }
  const std::vector<std::string> dialled = swarm_->dialled();
  swarm_.reset();
  use_swarm();
  for (const std::string& address : dialled) {
    if (Node* other = dial(world_, address)) disconnect(*other);
  }
}

}  // namespace weft::sim
