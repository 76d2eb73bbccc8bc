// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_estimate.h"
#include "fetcher/link/service_meter.h"
#include "indexer/core/clock.h"
#include "indexer/core/digest.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher {

/// What is known of the link between a peer and this node.
struct LinkView {
  Estimate rate_in;                    ///< bytes a second on the wire, from the peer to this node
  Estimate rate_out;                   ///< the other way, as the peer took what it asked for
  std::optional<Duration> round_trip;  ///< the path's own delay: the least of the last ones
  ServiceLoss loss;
  std::uint64_t sent = 0;  ///< bytes on the wire to the peer, since this node started

  friend bool operator==(const LinkView&, const LinkView&) = default;
};

/// The same as it is kept across restarts.
struct LinkRecord {
  NodeId node;
  std::string address;  ///< under which it was last reached
  Estimate rate_in;
  Estimate rate_out;
  std::optional<Duration> round_trip;
  ServiceMeter::Sums service;

  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

/// The links to all peers, by node id: puts together what sessions and connections measure, and
/// what was known before this node started. Pure: time is a parameter, nothing is written.
///
/// A session measures its link itself, beginning with `prior`, and is read while it lives; so a
/// figure is in one place at a time. I/O thread only.
class LinkMonitor {
 public:
  using Reading = std::function<LinkEstimate()>;
  /// Nodes: who they are is only what they say. Beyond it, those that connect to here are not
  /// added.
  static constexpr std::size_t most_nodes = 4096;
  /// Of the confidence in what is not measured again.
  static constexpr Duration half_life = std::chrono::hours(3);

  /// What was known `age` ago. Before anything else is told of this node.
  void load(LinkRecord record, Duration age, TimePoint now);
  /// Something worth keeping has come to an end: a session.
  void on_lost(std::function<void()> handler) { on_lost_ = std::move(handler); }

  /// What a session with this node should begin with: the rate may be not known.
  [[nodiscard]] LinkEstimate prior(const NodeId& node, TimePoint now) const;
  /// A session serves this node's requests from now on; `reading` is called until `down`.
  void up(const NodeId& node, std::string address, Reading reading, TimePoint now);
  /// It has ended. `wanted`: the peer is missed from now on; false: this node wants no session.
  void down(const NodeId& node, bool wanted, TimePoint now);
  /// On the wire.
  void sent(const NodeId& node, std::size_t bytes);
  /// The peer took `bytes_per_second` for so long.
  void sent(const NodeId& node, double bytes_per_second, Duration busy, TimePoint now);

  /// nullopt: nothing is known.
  [[nodiscard]] std::optional<LinkView> view(const NodeId& node, TimePoint now) const;
  /// Of the node that was last reached under this address.
  [[nodiscard]] std::optional<LinkView> view_at(std::string_view address, TimePoint now) const;
  /// All of them; not those of which nothing is known.
  [[nodiscard]] std::vector<LinkRecord> records(TimePoint now) const;

 private:
  struct Link {
    std::string address;
    Reading reading;     // while a session lives
    LinkEstimate ended;  // of the last session, or of an earlier run
    TimePoint ended_at{};
    std::uint64_t sent = 0;
    FadingMean out{{.memory = 4, .half_life = half_life}};
    ServiceMeter service;
  };

  [[nodiscard]] Link* of_connection(const NodeId& node);
  [[nodiscard]] static LinkEstimate current(const Link& link, TimePoint now);
  [[nodiscard]] static ServiceMeter service_at(const Link& link, const LinkEstimate& measured,
                                               TimePoint now);
  [[nodiscard]] static LinkView view_of(const Link& link, TimePoint now);

  std::map<NodeId, Link> links_;
  std::function<void()> on_lost_;
};

}  // namespace weft::fetcher
