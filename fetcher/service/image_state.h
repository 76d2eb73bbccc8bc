// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/net/signal.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/service/loose_tree.h"
#include "fetcher/service/statistics.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace weft::fetcher {

class JobHandle;
class JobMoney;
class Swarm;

/// A batch that has arrived.
struct ArrivedBatch {
  PeerId peer{};
  wire::Priority priority = wire::Priority::prefetch;
  bool by_digest = false;
  std::shared_ptr<const wire::BlockBatch> batch;
  TimePoint since;
};

/// A demand read that waits.
struct Waiter {
  BlockFetcher::Done done;
  BlockRange range;
  TimePoint since;
  std::vector<LooseBlock> loose;
  BlockOrigin origin = BlockOrigin::local;  ///< of what came so far
};

/// Whether it is known which local images are like this one.
struct Relations {
  bool known = false;               ///< there is nothing more to learn
  bool looking = false;             ///< a signature is being asked for
  std::set<PeerId> asked;           ///< for it, in vain
  std::optional<TimePoint> before;  ///< when the tree is asked for all the same
};

/// The prefetch of a boot.
struct BootRun {
  bool running = false;
  bool by_layout = false;  ///< wanted without a profile, too
  bool reload = false;     ///< there may be a better profile
  bool unwanted = false;   ///< by the job
  Foresight by = Foresight::unknown;
  bool looking = false;  ///< for more that is needed
  RangeSet wanted;       ///< was missing when it was found
};

/// What the engine keeps of an image it cares for. I/O thread only, but for `image` and `loose`,
/// which workers use. Shared with the tasks that work on it.
struct ImageState {
  explicit ImageState(std::shared_ptr<LocalImage> local) : image(std::move(local)) {}
  [[nodiscard]] const ImageId& id() const { return image->info().id; }

  const std::shared_ptr<LocalImage> image;
  LooseTree loose;

  std::size_t attached = 0;  ///< attach − detach, and the job
  std::size_t tasks = 0;     ///< coroutines at work for it
  std::map<FetchTicket, Waiter> waiters;
  std::vector<ArrivedBatch> parked;                                     ///< wait for their leaves
  std::map<PeerId, std::vector<wire::TreeNodes::Entry>> waiting_nodes;  ///< for their parents
  std::vector<std::pair<PeerId, std::size_t>> strikes;  ///< connections that broke the protocol
  bool disk_full = false;
  bool paused = false;  ///< the job
  Relations relations;
  TimePoint ask_again{};        ///< peers that did not have the image
  std::uint64_t committed = 0;  ///< blocks
  FetchSources sources;
  TimePoint review_twins_at{};
  std::shared_ptr<JobHandle> job;
  std::shared_ptr<JobMoney> money;  ///< of the job
  BootRun boot;
  std::shared_ptr<Swarm> swarm;  ///< while the job runs, among nodes that fetch the image too
  Signal swarm_changed;
  Signal changed;  ///< something landed, or a peer came or went
};

}  // namespace weft::fetcher
