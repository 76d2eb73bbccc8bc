// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/holders.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/swarm/swarm_order.h"
#include "fetcher/wire/swarm_messages.h"
#include "indexer/core/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weft::fetcher {

struct SwarmLimits {
  std::size_t partners = 8;    ///< connections to nodes that fetch the image too, for their sake
  std::size_t callers = 16;    ///< besides, back to those that connected to us for ours
  std::size_t addresses = 64;  ///< remembered to dial
  Duration ask_soon = std::chrono::milliseconds(500);  ///< while the swarm is young
  Duration ask_every = std::chrono::seconds(5);
  Duration ask_partners = std::chrono::seconds(15);
  /// A partner that brought nothing for so long makes room.
  Duration useless_after = std::chrono::seconds(15);
  Duration alone_after = std::chrono::seconds(5);
  Duration pending_for = std::chrono::seconds(1);  ///< an answer is waited for
};

/// What one node does to fetch an image together with others: whom it asks who else fetches it,
/// which of them it connects to, and (`order`) what it takes from whom. A pure state machine.
///
/// A node connects to a few random others, and back to those that connect to it: what the last to
/// come has taken from the origin must get out again. Addresses are hints: those that cannot be
/// reached or bring nothing make room for others, and are left alone for a minute. Content is known
/// by its digests, whoever it comes from.
///
/// Every node takes its share from the origin (`SwarmOrder`). What nobody takes, because its node
/// is slow or gone, comes by *lottery*: a node that has had nothing to do for a while is granted
/// random pieces that no partner holds. Its chance is one piece for the whole swarm at first, and
/// doubles while it stays idle. A node to which no partner has brought anything for
/// `alone_after` goes back to the origin for everything: perhaps they cannot reach each other.
class Swarm {
 public:
  Swarm(NodeId self, ImageId image, BlockCount blocks, std::uint64_t seed, SwarmLimits limits = {});

  // --- What happens.
  /// `speaks`: it answers swarm requests.
  void connected(PeerId peer, const NodeId& node, bool speaks, TimePoint now);
  void gone(PeerId peer, TimePoint now);
  void answered(PeerId peer, const wire::SwarmAnswer& answer, TimePoint now);
  /// Members that have asked this node.
  void called_by(const std::vector<wire::SwarmPartner>& callers);
  /// Blocks of the image came from it.
  void brought(PeerId peer, TimePoint now);

  // --- What to do.
  struct View {
    const RangeSet& wanted;  ///< as prefetch, not asked for
    const Holders& holders;
    bool idle = false;  ///< nothing is in flight
  };
  struct Actions {
    std::vector<PeerId> ask;           ///< send a swarm request
    std::vector<std::string> dial;     ///< add as a peer
    std::vector<std::string> hang_up;  ///< remove what was dialled
  };
  /// Call it twice a second while the image is fetched.
  [[nodiscard]] Actions tick(const View& view, TimePoint now);
  static constexpr Duration tick_every = std::chrono::milliseconds(500);
  /// Addresses that were dialled for this swarm and are to be removed at its end.
  [[nodiscard]] std::vector<std::string> dialled() const;

  /// For the scheduler; changes as the swarm does.
  [[nodiscard]] std::shared_ptr<const SwarmOrder> order() const { return order_; }
  /// `order` is to be used: somebody else fetches the image, or that is being asked.
  [[nodiscard]] bool active() const;
  [[nodiscard]] std::size_t members() const;
  void check_invariants() const;

 private:
  struct Peer {
    NodeId node;
    bool speaks = false;
    bool origin = false;
    bool known = false;  // it has answered: an origin or a partner
    bool holds = false;  // some of the image, as of the last tick
    Share share;
    TimePoint ask_at{};
    unsigned answers = 0;
    TimePoint since{};
    TimePoint useful{};
  };
  struct Dialled {
    NodeId node;
    bool back = false;  // it had called
    TimePoint since{};
  };

  void update_order(TimePoint now);
  void ask_around(Actions& actions, TimePoint now);
  void drop_useless(Actions& actions, TimePoint now);
  void dial_more(Actions& actions, TimePoint now);
  void dial(std::map<std::string, NodeId>& from, bool back, Actions& actions, TimePoint now);
  void note(std::map<std::string, NodeId>& in, const std::vector<wire::SwarmPartner>& partners);
  void draw_lots(const View& view);
  [[nodiscard]] const Peer* find(const NodeId& node) const;
  [[nodiscard]] double next_random();

  NodeId self_;
  ImageId image_;
  SwarmLimits limits_;
  std::uint64_t random_;
  std::shared_ptr<SwarmOrder> order_;
  std::map<PeerId, Peer> peers_;
  std::vector<PeerId> partners_;
  bool pending_ = false;                      // an answer is waited for
  std::map<std::string, NodeId> callers_;     // not dialled
  std::map<std::string, NodeId> hints_;       // not dialled
  std::map<std::string, Dialled> dialled_;    // by address
  std::map<std::string, TimePoint> shunned_;  // until then
  std::optional<TimePoint> brought_at_;       // by a partner; or when the first was there to do so
  unsigned idle_ticks_ = 0;
};

}  // namespace weft::fetcher
