// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"
#include "tests/support/tools/link_model.h"
#include "tests/support/tools/relay.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft::testing {

/// One client and its connection to the target. Bytes flow both ways, each through its own
/// DelayLine; the end of a stream travels behind the bytes before it.
class Relay::Connection {
 public:
  /// The models, counts and options belong to the Relay, which outlives its connections.
  Connection(UniqueFd client, UniqueFd target, LinkModel& forward, LinkModel& backward,
             RelayCounts& counts, const RelayOptions& options, LinkTime now);

  /// Appends what to poll for, the client's descriptor and the target's; returns when to wake up at
  /// the latest.
  [[nodiscard]] LinkTime prepare(LinkTime now, std::vector<pollfd>& fds) const;
  /// False = the connection broke.
  [[nodiscard]] bool advance(LinkTime now, const pollfd& client, const pollfd& target);
  /// Both directions have ended in order.
  [[nodiscard]] bool finished() const { return up_.ended && down_.ended; }
  /// Makes closing send RST instead of FIN.
  void reset();

 private:
  struct Way {
    Way(LinkModel& link, std::uint64_t& count, LinkTime now)
        : link(&link), line(link.window()), end_due(now), count(&count) {}
    LinkModel* link;
    DelayLine line;
    LinkTime end_due;      ///< of the end of the stream, once closing
    std::uint64_t* count;  ///< bytes that came out
    bool closing = false;  ///< the sender has ended its stream
    bool ended = false;    ///< and the receiver has been told
    bool blocked = false;  ///< the receiver's socket is full
  };

  [[nodiscard]] static bool wants_input(const Way& way, LinkTime now);
  [[nodiscard]] static LinkTime wake_at(const Way& way, LinkTime now, LinkTime never);
  [[nodiscard]] bool pull(Way& way, int from, LinkTime now);
  [[nodiscard]] bool push(Way& way, int to, LinkTime now);
  void damage(const Way& way, std::span<std::byte> bytes) const;

  UniqueFd client_;
  UniqueFd target_;
  Way up_;    ///< client to target
  Way down_;  ///< target to client
  const RelayOptions* options_;
  std::uint64_t number_;
  bool connected_ = false;
};

}  // namespace weft::testing
