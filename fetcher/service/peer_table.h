// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_monitor.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/net/signal.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/peer/peer_session.h"
#include "fetcher/schedule/backoff.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/service/statistics.h"
#include "indexer/core/clock.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher {

/// Is told about sessions. Called on the I/O thread, from the loop.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  virtual void on_peer_up(PeerId peer, PeerSession& session) = 0;
  /// The session fails every call from now on, and is destroyed later.
  virtual void on_peer_down(PeerId peer, const Error& why) = 0;
};

/// The peers of this node by address, each connected as long as it is wanted: dialled, greeted,
/// dialled again after a pause that grows while it fails. Owns the sessions. I/O thread only.
///
/// A session may come before the peer has said who it is (`remote()` empty): then a search can use
/// it at once, one round trip earlier, while the table waits for the greeting; everybody else hears
/// of the peer after that.
///
/// A node is one peer, however many addresses it was added under: the first that connects is used,
/// the others are *duplicate* and looked at again at the longest pause. An address that turns out
/// to be this node's own is *self* and not dialled again.
class PeerTable {
 public:
  using Connect = std::move_only_function<Awaitable<Result<std::shared_ptr<PeerSession>>>(
      std::string address, TimePoint deadline)>;
  struct Options {
    NodeId node;
    Duration connect_timeout = std::chrono::seconds(5);
    BackoffPolicy backoff;
    std::uint64_t random_seed = 0;
    LinkMonitor* links = nullptr;  ///< is told of sessions, and knows earlier ones; may be null
  };

  /// All arguments outlive the table; `tasks` is stopped after `close_all`.
  PeerTable(TaskGroup& tasks, Timers& timers, Connect connect, PeerEvents& events, Options options);

  /// The id of the peer of this address; nullopt: it is too late for peers.
  std::optional<PeerId> add(std::string address);
  void remove(std::string_view address);
  /// The same for an address that other nodes told us, not the operator: each `add_found` is undone
  /// by one `remove_found`, and what the operator has added stays.
  void add_found(std::string address);
  void remove_found(std::string_view address);
  /// Removes all; adding does nothing from now on.
  void close_all();

  /// Null unless connected.
  [[nodiscard]] std::shared_ptr<PeerSession> session(PeerId peer) const;
  [[nodiscard]] std::string address(PeerId peer) const;
  [[nodiscard]] bool is_self(const NodeId& node) const { return node == options_.node; }
  /// Ids of the peers connected now.
  [[nodiscard]] std::vector<PeerId> connected() const;
  [[nodiscard]] std::vector<PeerId> all() const;
  /// Returns when the peer can be asked (perhaps not greeted yet), has failed to connect since it
  /// was added or last lost, or is gone; or at the deadline. Null: not connected.
  [[nodiscard]] Awaitable<std::shared_ptr<PeerSession>> settled(PeerId peer, TimePoint deadline);
  /// Closes a connection that sends garbage; it is dialled again after a pause.
  void drop(PeerId peer, const Error& why);
  void note_error(PeerId peer, std::string what);

  /// Address, state, node, name, link and errors; the rest is not known here.
  [[nodiscard]] std::vector<std::pair<PeerId, PeerStatus>> status() const;

 private:
  struct Entry {
    std::string address;
    PeerState state = PeerState::connecting;
    std::optional<NodeId> node;
    std::string name;
    std::string last_error;
    TimePoint retry_at{};
    unsigned failures = 0;
    bool removed = false;
    bool configured = false;
    std::size_t found = 0;  // so many want it besides
    std::shared_ptr<PeerSession> session;
    std::shared_ptr<PeerSession> greeting;  // until we know who it is
    LinkEstimate link;
    std::optional<Error> closed;
    Signal changed;
  };

  using Entries = std::map<PeerId, std::shared_ptr<Entry>>;
  Entry* find(std::string_view address);
  Entries::iterator entry_of(std::string address);
  void erase(std::string_view address);
  Awaitable<void> maintain(PeerId id, std::shared_ptr<Entry> entry);
  Awaitable<void> attempt(PeerId id, std::shared_ptr<Entry> entry);
  Awaitable<Result<void>> greet(std::shared_ptr<Entry> entry, std::shared_ptr<PeerSession> session);
  Awaitable<void> serve(PeerId id, std::shared_ptr<Entry> entry,
                        std::shared_ptr<PeerSession> session);
  [[nodiscard]] std::uint64_t next_random();
  void set_state(Entry& entry, PeerState state);
  void connect_failed(Entry& entry, const Error& why);
  void lost(PeerId id, Entry& entry, const Error& why);
  void watch_link(const Entry& entry, const std::shared_ptr<PeerSession>& session);
  [[nodiscard]] std::optional<LinkView> link_of(const Entry& entry) const;
  [[nodiscard]] bool node_in_use(const NodeId& node) const;

  TaskGroup& tasks_;
  Timers& timers_;
  Connect connect_;
  PeerEvents& events_;
  Options options_;
  std::uint64_t random_;  // state of next_random
  Entries entries_;
  std::uint32_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace weft::fetcher
