// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/peer_table.h"

#include "indexer/core/mix.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {

PeerTable::PeerTable(TaskGroup& tasks, Timers& timers, Connect connect, PeerEvents& events,
                     Options options)
    : tasks_(tasks),
      timers_(timers),
      connect_(std::move(connect)),
      events_(events),
      options_(options),
      random_(options.random_seed) {}

std::optional<PeerId> PeerTable::add(std::string address) {
  const auto entry = entry_of(std::move(address));
  if (entry == entries_.end()) return std::nullopt;
  entry->second->configured = true;
  return entry->first;
}

void PeerTable::add_found(std::string address) {
  const auto entry = entry_of(std::move(address));
  if (entry != entries_.end()) ++entry->second->found;
}

/// Dialled from now on, if it is new. The end: the table is closed.
PeerTable::Entries::iterator PeerTable::entry_of(std::string address) {
  const auto known = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.second->address == address; });
  if (known != entries_.end() || closed_) return known;
  const PeerId id{++last_id_};
  auto entry = std::make_shared<Entry>();
  entry->address = std::move(address);
  entries_.emplace(id, entry);
  std::string name = "peer " + entry->address;
  tasks_.spawn(std::move(name), maintain(id, entry));
  return entries_.find(id);
}

PeerTable::Entry* PeerTable::find(std::string_view address) {
  const auto it = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.second->address == address; });
  return it == entries_.end() ? nullptr : it->second.get();
}

void PeerTable::remove(std::string_view address) {
  Entry* const entry = find(address);
  if (entry == nullptr) return;
  entry->configured = false;
  if (entry->found == 0) erase(address);
}

void PeerTable::remove_found(std::string_view address) {
  Entry* const entry = find(address);
  if (entry == nullptr || entry->found == 0) return;
  if (--entry->found == 0 && !entry->configured) erase(address);
}

void PeerTable::erase(std::string_view address) {
  const auto it = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.second->address == address; });
  if (it == entries_.end()) return;
  const auto [id, entry] = *it;
  entries_.erase(it);
  entry->removed = true;
  const Error why{make_error_code(Errc::cancelled), Operation::connect, "peer removed"};
  lost(id, *entry, why);
  const bool missed = options_.links != nullptr && entry->node && !node_in_use(*entry->node);
  if (missed && entry->state == PeerState::waiting) {
    options_.links->down(*entry->node, false, timers_.now());
  }
  if (entry->greeting) entry->greeting->close();
  entry->changed.notify_all();
}

void PeerTable::close_all() {
  closed_ = true;
  while (!entries_.empty()) {
    const std::string address = entries_.begin()->second->address;
    erase(address);
  }
}

std::shared_ptr<PeerSession> PeerTable::session(PeerId peer) const {
  const auto it = entries_.find(peer);
  return it == entries_.end() ? nullptr : it->second->session;
}

std::string PeerTable::address(PeerId peer) const {
  const auto it = entries_.find(peer);
  return it == entries_.end() ? "(removed peer)" : it->second->address;
}

std::vector<PeerId> PeerTable::connected() const {
  std::vector<PeerId> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry->session) ids.push_back(id);
  }
  return ids;
}

std::vector<PeerId> PeerTable::all() const {
  std::vector<PeerId> ids;
  for (const auto& [id, entry] : entries_)
    ids.push_back(id);
  return ids;
}

Awaitable<std::shared_ptr<PeerSession>> PeerTable::settled(PeerId peer, TimePoint deadline) {
  const auto it = entries_.find(peer);
  if (it == entries_.end()) co_return nullptr;
  const std::shared_ptr<Entry> entry = it->second;
  while (entry->state == PeerState::connecting && !entry->greeting && !entry->removed) {
    const bool woken = co_await entry->changed.wait_until(timers_, deadline);
    if (!woken) break;
  }
  co_return entry->session ? entry->session : entry->greeting;
}

void PeerTable::drop(PeerId peer, const Error& why) {
  const auto it = entries_.find(peer);
  if (it == entries_.end()) return;
  const std::shared_ptr<Entry> entry = it->second;
  ++entry->failures;  // the next attempt waits, although this connection came up
  lost(peer, *entry, why);
}

void PeerTable::note_error(PeerId peer, std::string what) {
  if (const auto it = entries_.find(peer); it != entries_.end()) {
    it->second->last_error = std::move(what);
  }
}

std::vector<std::pair<PeerId, PeerStatus>> PeerTable::status() const {
  std::vector<std::pair<PeerId, PeerStatus>> all;
  for (const auto& [id, entry] : entries_) {
    PeerStatus status;
    status.address = entry->address;
    status.state = entry->state;
    status.node = entry->node;
    status.name = entry->name;
    status.last_error = entry->last_error;
    const LinkEstimate link = entry->session ? entry->session->link() : entry->link;
    if (link.samples != 0) {
      status.bytes_per_second = link.bytes_per_second;
      status.round_trip = link.round_trip;
    }
    if (const auto known = link_of(*entry)) {
      status.link = *known;
      if (known->rate_in.known()) status.bytes_per_second = known->rate_in.mean;
      if (known->round_trip) status.round_trip = *known->round_trip;
    }
    if (entry->state == PeerState::waiting) {
      status.retry_in = std::max(Duration(0), entry->retry_at - timers_.now());
    }
    all.emplace_back(id, std::move(status));
  }
  return all;
}

/// SplitMix64: good enough to spread pauses, and the same everywhere for one seed.
std::uint64_t PeerTable::next_random() {
  return mix(std::exchange(random_, random_ + golden_gamma));
}

void PeerTable::set_state(Entry& entry, PeerState state) {
  entry.state = state;
  entry.changed.notify_all();
}

bool PeerTable::node_in_use(const NodeId& node) const {
  return std::ranges::any_of(entries_, [&](const auto& entry) {
    return entry.second->session && entry.second->node == node;
  });
}

/// Ends the session, if there is one, exactly once. Its coroutine wakes and goes on from there.
void PeerTable::lost(PeerId id, Entry& entry, const Error& why) {
  if (!entry.session) return;
  const std::shared_ptr<PeerSession> session = std::exchange(entry.session, nullptr);
  entry.link = session->link();
  if (options_.links != nullptr) {
    options_.links->down(*entry.node, !entry.removed && !closed_, timers_.now());
  }
  entry.closed = why;
  entry.last_error = why.message();
  set_state(entry, PeerState::waiting);
  events_.on_peer_down(id, why);
  session->close();
}

/// From the prior on: the session measures, the monitor reads it as long as it lives.
void PeerTable::watch_link(const Entry& entry, const std::shared_ptr<PeerSession>& session) {
  if (options_.links == nullptr) return;
  const TimePoint now = timers_.now();
  session->assume(options_.links->prior(*entry.node, now));
  options_.links->up(
      *entry.node, entry.address,
      [weak = std::weak_ptr(session)] {
        const auto alive = weak.lock();
        return alive ? alive->link() : LinkEstimate{};
      },
      now);
}

std::optional<LinkView> PeerTable::link_of(const Entry& entry) const {
  if (options_.links == nullptr) return std::nullopt;
  return entry.node ? options_.links->view(*entry.node, timers_.now())
                    : options_.links->view_at(entry.address, timers_.now());
}

Awaitable<void> PeerTable::maintain(PeerId id, std::shared_ptr<Entry> entry) {
  while (!entry->removed) {
    set_state(*entry, PeerState::connecting);
    co_await attempt(id, entry);
    if (entry->removed || entry->state == PeerState::self) break;
    const Duration pause = entry->state == PeerState::duplicate
                               ? options_.backoff.longest
                               : backoff(entry->failures, next_random(), options_.backoff);
    entry->retry_at = timers_.now() + pause;
    while (!entry->removed) {
      const TimePoint until = entry->retry_at;
      const bool woken = co_await entry->changed.wait_until(timers_, until);
      if (!woken) break;
    }
  }
}

Awaitable<void> PeerTable::attempt(PeerId id, std::shared_ptr<Entry> entry) {
  const TimePoint deadline = timers_.now() + options_.connect_timeout;
  std::string address = entry->address;
  Result<std::shared_ptr<PeerSession>> connected = co_await connect_(std::move(address), deadline);
  if (!connected) {
    connect_failed(*entry, connected.error());
    co_return;
  }
  const std::shared_ptr<PeerSession> session = std::move(*connected);
  if (const auto greeted = co_await greet(entry, session); !greeted) {
    session->close();
    connect_failed(*entry, greeted.error());
    co_return;
  }
  const wire::Hello hello = session->remote();
  entry->node = hello.node;
  entry->name = hello.name;
  if (entry->removed) {
    session->close();
  } else if (hello.node == options_.node) {
    entry->last_error = "this is our own address";
    set_state(*entry, PeerState::self);
    session->close();
  } else if (node_in_use(hello.node)) {
    entry->last_error = "another address reaches the same node";
    set_state(*entry, PeerState::duplicate);
    session->close();
  } else {
    co_await serve(id, entry, session);
  }
}

void PeerTable::connect_failed(Entry& entry, const Error& why) {
  // What other nodes tell us must not fill the log.
  const auto level = entry.configured ? spdlog::level::warn : spdlog::level::debug;
  if (entry.failures == 0) spdlog::log(level, "peer {}: {}", entry.address, why.message());
  ++entry.failures;
  entry.last_error = why.message();
  set_state(entry, PeerState::waiting);
}

/// Until the peer has said who it is. Any answer tells; the cheapest is to a question about
/// nothing.
Awaitable<Result<void>> PeerTable::greet(std::shared_ptr<Entry> entry,
                                         std::shared_ptr<PeerSession> session) {
  if (!session->remote().node.is_zero()) co_return Result<void>{};
  entry->greeting = session;
  entry->changed.notify_all();
  const TimePoint deadline = timers_.now() + options_.connect_timeout;
  const Result<wire::TreeNodes> answer = co_await session->tree_nodes(
      ImageId{}, std::vector{TreeNode{}}, wire::Priority::control, deadline);
  entry->greeting = nullptr;
  if (!session->remote().node.is_zero()) co_return Result<void>{};
  if (!answer) co_return std::unexpected(answer.error());
  co_return fail(Errc::peer_misbehaved, Operation::handshake, "it does not say who it is");
}

Awaitable<void> PeerTable::serve(PeerId id, std::shared_ptr<Entry> entry,
                                 std::shared_ptr<PeerSession> session) {
  spdlog::info("peer {}: connected to {} ({})", entry->address, entry->name, to_hex(*entry->node));
  const TimePoint since = timers_.now();
  watch_link(*entry, session);
  entry->session = session;
  entry->closed.reset();
  entry->last_error.clear();
  // Weak: the handler must not keep alive the entry that keeps alive the session.
  session->on_closed([this, id, weak = std::weak_ptr(entry)](const Error& why) {
    if (const auto self = weak.lock()) lost(id, *self, why);
  });
  set_state(*entry, PeerState::connected);
  events_.on_peer_up(id, *session);
  while (entry->session == session)
    co_await entry->changed.wait();
  if (entry->removed) co_return;
  spdlog::warn("peer {}: connection lost: {}", entry->address, entry->last_error);
  // A connection that lasted was a good one; one that breaks at once is a failure like any other.
  if (timers_.now() - since > std::chrono::seconds(10)) entry->failures = 0;
  ++entry->failures;
}

}  // namespace weft::fetcher
