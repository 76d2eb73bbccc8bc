// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/swarm_messages.h"
#include "indexer/core/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace weft::fetcher {

struct SwarmBookLimits {
  std::size_t images = 256;
  std::size_t members = 4096;                ///< of one image
  Duration keep = std::chrono::seconds(30);  ///< a member that does not ask again
};

/// Who fetches which image, as far as this node was told by those who ask it: what it answers to
/// SwarmRequest. Pure; nothing in it is trusted, or leads to more than a dial.
///
/// Each member that is not complete has a *slot*, 0 … members − 1, by which it takes its share of
/// what this node sends (`Share`). When one leaves, the last takes its slot. Above the bounds a
/// request is answered, and not remembered.
class SwarmBook {
 public:
  explicit SwarmBook(std::uint64_t seed, SwarmBookLimits limits = {})
      : random_(seed), limits_(limits) {}

  /// `address`: where the asker serves; empty: it does not.
  [[nodiscard]] wire::SwarmAnswer asked(const wire::SwarmRequest& request, const NodeId& node,
                                        std::string address, TimePoint now);
  /// Its connection has ended.
  void left(const NodeId& node);
  /// This node fetches the image itself, or did: it is no origin of it.
  void fetching(const ImageId& image) { fetched_.insert(image); }
  /// Where this node serves; 0: it does not.
  void serve_at(std::uint16_t port) { port_ = port; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Random members that serve, as partners for this node.
  [[nodiscard]] std::vector<wire::SwarmPartner> members(const ImageId& image, std::size_t most,
                                                        TimePoint now);
  /// Nodes that fetch the image.
  [[nodiscard]] std::size_t size(const ImageId& image) const;
  void check_invariants() const;

 private:
  struct Member {
    NodeId node;
    std::string address;
    TimePoint asked{};
  };
  struct Swarm {
    std::vector<Member> fetching;  // by slot
    std::vector<Member> complete;
    TimePoint swept{};
    [[nodiscard]] bool empty() const { return fetching.empty() && complete.empty(); }
  };

  Swarm* find(const ImageId& image, TimePoint now);
  void sweep(Swarm& swarm, TimePoint now) const;
  static void erase(std::vector<Member>& list, std::size_t at);
  [[nodiscard]] std::vector<wire::SwarmPartner> draw(const Swarm& swarm, const NodeId& but,
                                                     std::size_t most);

  std::uint64_t random_;
  std::uint16_t port_ = 0;
  SwarmBookLimits limits_;
  std::map<ImageId, Swarm> swarms_;
  std::set<ImageId> fetched_;
};

}  // namespace weft::fetcher
