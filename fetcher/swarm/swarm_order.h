// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/prefetch_order.h"
#include "fetcher/swarm/shares.h"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace weft::fetcher {

/// The order in which an image comes that many nodes fetch from each other. Pure.
///
/// - From a *partner* (fetches too, or has fetched): of some blocks picked at random, those first
///   that the fewest of our peers hold. So nodes differ, and what is rare spreads.
/// - From an *origin*: our share of the image, in random order, and of it only what no partner
/// holds:
///   together the nodes take every block from it once. Besides, what was `granted`.
///
/// A peer of which it is not known yet whether it is an origin brings nothing: `pending`. That is a
/// round trip, in which many nodes that begin together would else ask for the same. An origin that
/// is not divided (`Share::members` < 2, or `spare_origins(false)`) is asked like a partner.
class SwarmOrder final : public PrefetchOrder {
 public:
  SwarmOrder(BlockCount blocks, std::uint64_t seed) : pieces_(blocks), seed_(seed) {}

  /// Connected peers that are no origins.
  void set_partners(std::vector<PeerId> partners) { partners_ = std::move(partners); }
  void set_pending(std::set<PeerId> peers) { pending_ = std::move(peers); }
  /// `settled`: the members have not become many more lately.
  void set_share(PeerId origin, Share share, bool settled = true);
  /// False: we get on too badly without them.
  void spare_origins(bool spare) { spare_ = spare; }
  void remove_origin(PeerId origin) { origins_.erase(origin); }
  /// Pieces that may be asked of any origin, in place of those granted before.
  void grant(std::set<std::uint32_t> pieces) { granted_ = std::move(pieces); }

  [[nodiscard]] Picked pick(const Offer& offer) const override;
  /// Not an origin that is to be spared.
  [[nodiscard]] bool may_repeat(PeerId peer) const override;
  [[nodiscard]] const Pieces& pieces() const { return pieces_; }
  /// No partner holds the block.
  [[nodiscard]] bool only_at_origins(const Holders& holders, BlockIndex block) const;
  /// Links that had nothing to bring are looked at again although nobody has said anything new.
  void look_again() { dry_.clear(); }

 private:
  struct Origin {
    Share share;
    bool settled = false;
    std::vector<std::uint32_t> pieces;
  };
  struct Collected;

  [[nodiscard]] bool is_spared(const Origin& origin) const {
    return spare_ && origin.share.members > 1;
  }
  [[nodiscard]] static BlockCount most_at_once(const Origin& origin);
  void collect_from_origin(const Origin& origin, Collected& into) const;
  void collect_rarest(Collected& into) const;
  [[nodiscard]] std::vector<std::uint64_t> random_pieces(Collected& from) const;
  [[nodiscard]] std::size_t rarity(const Holders& holders, BlockIndex block) const;

  Pieces pieces_;
  std::uint64_t seed_;
  std::vector<PeerId> partners_;
  std::map<PeerId, Origin> origins_;
  std::set<PeerId> pending_;
  std::set<std::uint32_t> granted_;
  bool spare_ = true;
  /// Peers that had nothing wanted, and what they had said by then: a search in vain costs the
  /// most, and would else be made for every link whenever anything happens.
  struct Dry {
    std::uint64_t gains = 0;
    BlockCount wanted;
  };
  mutable std::map<PeerId, Dry> dry_;
};

}  // namespace weft::fetcher
