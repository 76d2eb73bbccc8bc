// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/net/signal.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/service/loose_tree.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace weft::fetcher {

class JobHandle;

/// Where what came came from, since the engine cares for the image.
struct SourceCounters {
  std::uint64_t in_image = 0;   ///< blocks committed from peers that hold them in the image
  std::uint64_t by_digest = 0;  ///< blocks committed from peers that hold them in others
  std::uint64_t twins = 0;      ///< blocks copied from equal ones of this image
  std::uint64_t joined = 0;     ///< blocks that came with an image fetched at the same time
  std::uint64_t have_queries = 0;
  std::uint64_t have_keys = 0;
};

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
  bool looking_for_relatives = false;
  TimePoint ask_again{};        ///< peers that did not have the image
  std::uint64_t committed = 0;  ///< blocks
  SourceCounters sources;
  TimePoint review_twins_at{};
  std::shared_ptr<JobHandle> job;
  Signal changed;  ///< something landed, or a peer came or went
};

}  // namespace weft::fetcher
