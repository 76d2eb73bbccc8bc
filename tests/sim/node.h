// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/link_meter.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/schedule/scheduler.h"
#include "fetcher/swarm/swarm.h"
#include "fetcher/swarm/swarm_book.h"
#include "tests/sim/network.h"
#include "tests/sim/sender.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace weft::sim {

class Node;

/// The peer that node `index` is to others.
[[nodiscard]] constexpr fetcher::PeerId peer_id(NodeIndex index) {
  return fetcher::PeerId{index + 1};
}
[[nodiscard]] constexpr NodeIndex node_index(fetcher::PeerId peer) {
  return static_cast<NodeIndex>(peer) - 1;
}

/// What it calls itself.
[[nodiscard]] NodeId node_id(NodeIndex index);
[[nodiscard]] std::string address_of(NodeIndex index);

/// A connection, seen from both ends. Ends when either side closes it.
struct Session {
  Node* client = nullptr;
  Node* server = nullptr;
  FlowId flow{};
  bool up = false;    // the client has heard the greeting
  bool over = false;  // events on their way look at it
  // Of the server.
  Sender sender;
  std::size_t announced = 0;  // of the server's `landings_`
  bool watched = false;
  // Of the client.
  fetcher::RateMeter rate;
  std::set<fetcher::FetchId> outstanding;
};

/// What is the same for all nodes of a simulation. Outlives them.
struct World {
  EventQueue events;
  Network network;
  Content content;
  ImageId image;
  std::mt19937_64 random;
  std::function<Node*(NodeIndex)> find;       // null: there is none
  std::uint64_t trace = 0xcbf29ce484222325U;  // of everything that was delivered

  World(std::uint64_t seed, BlockCount blocks);
  void note(std::uint64_t value) { trace = (trace ^ value) * 0x100000001b3U; }
};

struct NodeOptions {
  Access access;
  fetcher::SchedulerLimits limits = {};
  /// Null: the scheduler's own.
  std::function<std::unique_ptr<fetcher::SourceChoice>()> choice = {};
  std::function<std::unique_ptr<fetcher::PrefetchOrder>()> order = {};
  bool swarm = false;  ///< it joins others that fetch the image, and is joined
  fetcher::SwarmLimits swarm_limits = {};
  Duration landing = std::chrono::milliseconds(1);   ///< to verify and commit a batch
  Duration planning = std::chrono::milliseconds(5);  ///< to make a plan
};

/// What became of a node's reads and blocks.
struct NodeFigures {
  std::uint64_t wire_received = 0;
  std::map<NodeIndex, std::uint64_t> wire_from;    ///< the same by who sent it
  std::map<NodeIndex, std::uint64_t> blocks_from;  ///< arrived and verified
  std::uint64_t landed_twice = 0;                  ///< blocks
  std::uint64_t stale_bytes = 0;                   ///< of answers that were no longer wanted
  std::uint64_t reads_done = 0;
  std::uint64_t reads_failed = 0;
  Duration longest_read{0};
  std::vector<Duration> read_times;  ///< of those that had to wait
};

/// A node: the production scheduler, driven as `FetchEngine` drives it, and a server that behaves
/// as `PeerServer` does. One image. Tree nodes and have queries are left out.
class Node {
 public:
  Node(World& world, NodeIndex self, const NodeOptions& options);

  // --- As a target.
  void connect(Node& server);
  void disconnect(Node& server);
  /// Everything that is missing, as a materialization.
  void materialize();
  /// `done` is called when it is answered, at once if nothing is missing.
  void read(BlockRange range, Duration timeout = std::chrono::seconds(60),
            std::function<void()> done = {});
  /// What is missing of these, in the order of their slices, as the prefetch of a boot.
  void prefetch(const std::vector<fetcher::Urgency::Slice>& order);

  // --- As a source.
  void hold(BlockRange range);
  void hold_all() { hold({BlockIndex(0), world_.content.blocks}); }
  /// From now on every batch it sends is wrong.
  void corrupt() { corrupt_ = true; }
  /// The process ends; whoever is connected is told by its kernel.
  void kill();
  /// It vanished without a word: whoever is connected finds out by its silence.
  void lose();
  /// The processes at the other ends give it up after this silence.
  void silent_for_good(Duration until_noticed);

  [[nodiscard]] NodeIndex index() const { return self_; }
  [[nodiscard]] bool complete() const { return held_.count() == world_.content.blocks; }
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] const fetcher::RangeSet& held() const { return held_; }
  [[nodiscard]] std::optional<TimePoint> completed_at() const { return completed_at_; }
  [[nodiscard]] const NodeFigures& figures() const { return figures_; }
  [[nodiscard]] fetcher::Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] const fetcher::Swarm* swarm() const { return swarm_ ? &*swarm_ : nullptr; }
  [[nodiscard]] std::vector<NodeIndex> servers() const;
  [[nodiscard]] bool connected(NodeIndex server) const;
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  using SessionPtr = std::shared_ptr<Session>;

  // node.cpp: as a target.
  void greeted(const SessionPtr& session);
  void lost(const SessionPtr& session);
  void deliver(const SessionPtr& session, const Batch& batch, bool wrong);
  void land(const std::vector<BlockRange>& blocks, NodeIndex from);
  void told(const SessionPtr& session, bool complete, const std::vector<BlockRange>& added);
  void drain();
  void perform(fetcher::Command& command);
  void ask(const fetcher::SendBlocks& command);
  static void finished(Session& session, fetcher::FetchId fetch);
  void tell(fetcher::PeerId peer, std::function<void(Sender&)> what);
  void arm();

  // node_swarm.cpp
  void join_swarm();
  void tick_swarm();
  void use_swarm();
  void ask_swarm(const SessionPtr& session);
  void leave_swarm();
  [[nodiscard]] fetcher::wire::SwarmRequest swarm_request() const;

  // node_server.cpp: as a source.
  void accept(const SessionPtr& session);
  void announce(const SessionPtr& session);
  [[nodiscard]] std::optional<Parcel> next_parcel(const std::weak_ptr<Session>& session);
  void hang_up(const SessionPtr& session);

  [[nodiscard]] TimePoint now() const { return world_.events.now(); }

  World& world_;
  const NodeIndex self_;
  const NodeOptions options_;
  fetcher::Scheduler scheduler_;
  std::map<NodeIndex, SessionPtr> servers_;
  std::map<NodeIndex, SessionPtr> clients_;
  fetcher::RangeSet held_;
  std::vector<BlockRange> landings_;  // everything held, in the order it came
  std::optional<TimePoint> completed_at_;
  std::optional<TimePoint> timer_at_;
  struct Read {
    TimePoint since;
    std::function<void()> done;
  };
  void answered(fetcher::FetchTicket ticket);
  std::map<fetcher::FetchTicket, Read> reads_;
  std::uint64_t last_ticket_ = 0;
  NodeFigures figures_;
  fetcher::SwarmBook book_;
  std::optional<fetcher::Swarm> swarm_;
  bool corrupt_ = false;
  bool alive_ = true;
  bool draining_ = false;
};

}  // namespace weft::sim
