// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/byte_budget.h"
#include "fetcher/exchange/exchange_book.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/signal.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/peer/peer_session.h"
#include "indexer/store/store.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::fetcher {

struct ExchangeOptions {
  ByteCount per_minute{1u << 20};  ///< 0: only what somebody waits for
  ByteCount burst{256u << 10};
  /// Of a signature: at most 28 KiB of digests on the wire. An estimate of what two images share
  /// has from 2048 to 4096 keys of the smaller one, and so a standard error of at most 1.1 % of its
  /// blocks, 0.7 % where nine tenths are shared.
  std::uint32_t max_keys = 4096;
  Duration list_every = std::chrono::minutes(1);  ///< at the soonest
};

struct ExchangeStatistics {
  std::uint64_t lists = 0;  ///< received
  ByteCount list_bytes;     ///< on the wire, both directions, as all here
  std::uint64_t signatures = 0;
  ByteCount signature_bytes;
  std::uint64_t wanted = 0;   ///< of the signatures: somebody waited
  std::uint64_t refused = 0;  ///< signatures that could not be
};

/// What a peer has, as of its last list.
struct PeerHoldings {
  std::string address;
  NodeId node;
  std::string name;
  bool connected = false;
  TimePoint listed{};
  std::vector<wire::ImageSummary> images;  ///< by name; an image of two names is there twice
  ExchangeStatistics spent;                ///< on this peer
};

/// Learns in the background what images the peers have and what those share with others: each
/// peer's list of images, and of every image of which no signature is here one signature, kept in
/// the store. All within a budget of bytes, at the lowest priority, so that no block waits for it.
///
/// Lists come again after `list_every`, or later where they are long: they take at most a tenth of
/// the budget. What peers say is not trusted: a false signature can only lead to worse choices of
/// whom to ask.
///
/// Lifecycle: construct; told of peers by the fetcher; `stop` after the fetcher has stopped, and
/// awaited before destruction. The arguments outlive it. I/O thread only.
class Exchange {
 public:
  Exchange(Executor io, Timers& timers, Offload& workers, Store& store, ExchangeOptions options);

  void peer_up(PeerId peer, std::string address, std::shared_ptr<PeerSession> session);
  void peer_down(PeerId peer);

  /// Makes sure that a signature of this image is here, ahead of everything else here: one round
  /// trip to a peer that has it. Charged to the budget, not held back by it. False: no peer has
  /// given one by `deadline`; go on without. For whoever is about to ask `Store::relatives`.
  /// `holders` are known to have the image: if there are any, nobody is asked on the chance.
  [[nodiscard]] Awaitable<bool> want(ImageId image, TimePoint deadline,
                                     std::vector<PeerId> holders = {});

  /// Measures the links of which no rate is known: each such peer is asked, once a session, for a
  /// finer signature of `image`, or else of the largest image it has; at most 256 KiB. Returns when
  /// all have answered, or at `deadline`. Charged to the budget, not held back by it.
  [[nodiscard]] Awaitable<void> measure(ImageId image, TimePoint deadline);

  /// By address. A peer stays, as it was last seen, when its connection ends.
  [[nodiscard]] std::vector<PeerHoldings> holdings() const;
  [[nodiscard]] ExchangeStatistics statistics() const;
  [[nodiscard]] Awaitable<void> stop();

 private:
  struct Peer {
    PeerId id{};
    std::shared_ptr<PeerSession> session;
    std::string address;
    bool gone = false;
    bool probed = false;
    bool mute = false;  // knows no signatures, or none that this node can read
    unsigned lies = 0;
    Signal changed;
  };
  using PeerPtr = std::shared_ptr<Peer>;
  /// One that somebody waits for; others join.
  struct Want {
    bool done = false;
    bool found = false;
    Signal changed;
  };

  Awaitable<void> attend(PeerPtr peer);
  Awaitable<Duration> take_list(PeerPtr peer);
  Awaitable<void> take_signatures(PeerPtr peer);
  /// Waits until the budget has them. False: the peer is gone.
  Awaitable<bool> afford(PeerPtr peer, ByteCount bytes);
  Awaitable<bool> ask(PeerPtr peer, ImageId image, wire::Priority priority, TimePoint deadline);
  Awaitable<bool> keep(PeerPtr peer, Signature signature);
  /// Probes that are under way.
  struct Probes {
    std::size_t open = 0;
    Signal changed;
  };
  Awaitable<void> probe(PeerPtr peer, ImageId image, TimePoint deadline,
                        std::shared_ptr<Probes> probes);
  [[nodiscard]] std::optional<ImageId> image_to_probe(const Peer& peer,
                                                      const ImageId& wanted) const;
  Awaitable<void> rest(PeerPtr peer, Duration span);
  Awaitable<void> learn_known();
  Awaitable<bool> find(ImageId image, TimePoint deadline, std::vector<PeerId> holders);
  Awaitable<bool> ask_one_of(std::vector<PeerPtr> peers, ImageId image, TimePoint deadline);
  Awaitable<bool> is_here(ImageId image);
  Awaitable<void> pursue(ImageId image, TimePoint deadline, std::vector<PeerId> holders,
                         std::shared_ptr<Want> want);
  void release(const ImageId& image);
  void refused(Peer& peer, const ImageId& image, const std::string& why);
  [[nodiscard]] bool plausible(const Peer& peer, const Signature& signature) const;
  [[nodiscard]] std::vector<PeerPtr> candidates(const ImageId& image,
                                                const std::vector<PeerId>& holders) const;
  [[nodiscard]] PeerHoldings& entry(const Peer& peer);
  [[nodiscard]] ByteCount dearest_signature() const;

  Timers& timers_;
  Offload& workers_;
  Store& store_;
  const ExchangeOptions options_;
  TaskGroup tasks_;
  ByteBudget budget_;
  ExchangeBook book_;
  std::map<PeerId, PeerPtr> peers_;
  std::map<std::string, PeerHoldings> holdings_;  // by address
  std::map<ImageId, std::shared_ptr<Want>> wants_;
  Signal released_;  // somebody has done asking for a signature
  bool told_of_versions_ = false;
  bool told_of_disk_ = false;
};

}  // namespace weft::fetcher
