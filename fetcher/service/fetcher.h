// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/link/link_info.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/timers.h"
#include "fetcher/peer/peer_session.h"
#include "fetcher/service/materialize_job.h"
#include "fetcher/service/statistics.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/image_id.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weft::fetcher {

class Exchange;
class LinkMonitor;
class PrefetchOrder;
class ProfileKeeper;
class RelativeTrees;
class SwarmBook;

struct FetcherOptions {
  NodeId node;                           ///< ours: a peer with this id is ourselves
  std::size_t max_waiting_reads = 4096;  ///< beyond it: Errc::queue_full
  ByteCount max_in_flight{32u << 20};    ///< content asked for and not yet committed
  Duration connect_timeout = std::chrono::seconds(5);
  Duration locate_timeout = std::chrono::seconds(5);
  std::uint64_t random_seed = 0;                       ///< spreads reconnects of many nodes
  std::shared_ptr<RelativeTrees> relatives = nullptr;  ///< null: trees come without their help
  /// Is told of peers, and asked for signatures of images that are about to be used. May be null;
  /// outlives the fetcher.
  Exchange* exchange = nullptr;
  /// Is told of sessions, and knows earlier ones: each begins with what was measured before. May be
  /// null; outlives the fetcher.
  LinkMonitor* links = nullptr;
  OwnLinkInfo own_link = {};
  /// In which order a source brings what nobody waits for; null: as planned. For comparison.
  std::function<std::unique_ptr<PrefetchOrder>()> order = nullptr;
  /// Who fetches what with us; shared with the server. Null: images are fetched alone. Outlives the
  /// fetcher.
  SwarmBook* swarms = nullptr;
  /// Says in which order boots read images, and keeps what peers tell of attached ones. Null: no
  /// order is known, and no peer is asked. Outlives the fetcher.
  ProfileKeeper* profiles = nullptr;
};

/// An image found at peers. `path` is verified against `info.root`, and `info` against its id.
struct RemoteImage {
  struct Offer {
    std::string address;
    NodeId node;
    BlockCount available;
    bool complete = false;
  };
  std::string name;  ///< as the peers call it
  ImageInfo info;
  wire::TreeNodes path;  ///< root first, to the block first read, as far as peers have it
  std::vector<Offer> offers;
};

/// Brings missing blocks here: finds images at peers, answers demand reads, materializes.
///
/// Lifecycle: construct, add peers, attach images, use; `stop()` before the worker pool and the I/O
/// thread are stopped. After that reads fail with Errc::cancelled and the rest does nothing.
/// Threads: all state lives on the I/O thread. Every method may be called from any thread; those
/// that return a value wait for the I/O thread, which never blocks (microseconds). `stop()` must
/// not be called from the I/O thread or a worker, since it waits for both.
class Fetcher final : public BlockFetcher {
 public:
  /// Dials an address and shakes hands. Errc::peer_unreachable, peer_version, peer_misbehaved.
  using Connect = std::move_only_function<Awaitable<Result<std::shared_ptr<PeerSession>>>(
      std::string address, TimePoint deadline)>;

  /// `io` runs the I/O thread. `timers` and `workers` outlive the fetcher.
  Fetcher(Executor io, Timers& timers, Offload& workers, Connect connect, FetcherOptions options);
  ~Fetcher() override;

  // --- Peers.
  /// Connects and stays connected, with backoff. Adding an address twice does nothing.
  /// `link`: what the operator says of it; that may change.
  void add_peer(std::string address, PeerLinkInfo link = {});
  /// Closes the connection; its blocks in flight are asked for elsewhere.
  void remove_peer(std::string address);
  [[nodiscard]] std::vector<PeerStatus> peers();

  // --- Images.
  /// Asks every connected peer (waiting for those being dialled) for an image by name or hex id.
  /// Errc::unknown_image: all that answered lack it; ambiguous_image: they offer different images
  /// under the name (the detail lists the ids, ask by id); peer_unreachable: nobody answered.
  /// May be awaited on any executor.
  [[nodiscard]] Awaitable<Result<RemoteImage>> locate(std::string name_or_id,
                                                      BlockIndex first_read);
  /// Starts to care for an image: finds its holders now and as they come. Counted: every attach
  /// needs its detach. Reads attach the image for the time they wait.
  void attach(std::shared_ptr<LocalImage> image);
  /// When the last one detaches, the fetcher lets go of the LocalImage as soon as nothing is in
  /// flight for it.
  void detach(const ImageId& image);
  /// Makes every block resident and fetches the whole tree, in the background, below all demand
  /// reads. One job per image: a second call returns the running one and ignores `options` and
  /// `on_progress`.
  [[nodiscard]] std::shared_ptr<MaterializeJob> materialize(std::shared_ptr<LocalImage> image,
                                                            MaterializeOptions options,
                                                            MaterializeJob::OnProgress on_progress);

  /// Fetches in the background what a boot of the attached image will read, in that order and not
  /// more: by a profile, or without one by the image's partitions and file systems. Ends when that
  /// is here, or with the last `detach`. Nothing happens where it is running already.
  void prefetch_boot(std::shared_ptr<LocalImage> image);
  /// There is another profile for this image than before; a boot that is being prefetched, or was,
  /// goes on by it.
  void profile_changed(const ImageId& image);

  // --- BlockFetcher.
  FetchTicket read(DemandRead request, Done done) override;
  void cancel(FetchTicket ticket) override;

  [[nodiscard]] FetchStatistics statistics();

  /// Fails all reads with Errc::cancelled, ends jobs, closes sessions, waits for all tasks.
  void stop();
  /// The same, awaited on the I/O thread.
  [[nodiscard]] Awaitable<void> shutdown();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace weft::fetcher
