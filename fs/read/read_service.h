// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fs/read/change_statistics.h"
#include "fs/read/read_policy.h"
#include "fs/read/read_statistics.h"
#include "fs/read/reply.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace weft::fs {

class ProcessTable;
class TouchLog;

struct ReadServiceOptions {
  std::string name;  ///< of the image, for the log
  ReadPolicy policy;
  /// Over the image: then the disk is what is read, and can be changed. Null: the image.
  std::shared_ptr<WritableDisk> disk{};
  /// Reads that may wait at once. The kernel keeps at most 256 asynchronous ones in flight; each
  /// synchronous one stands for a thread that waits.
  std::size_t pending_limit = 4096;
  /// Largest READ request.
  std::size_t max_read = std::size_t{1} << 20;
  /// Is told of every read while it records. May be null; outlives the service.
  TouchLog* touches = nullptr;
};

/// Answers the READ requests of one mount: at once what the local store has, the rest when the
/// fetcher has brought it. Never zeros for what is not here.
///
/// Of a disk, changes too: at once, unless a block that changes in part must be fetched first. The
/// kernel sends a request again that a dead worker did not answer, and it is applied again: whoever
/// sent it has not seen its end, so that every other change of these bytes since then is
/// concurrent with it, and either order is right. For the same reason a change that was given up is
/// never applied later: its sender may be gone, and another one have the disk.
///
/// Lifecycle: serves from construction to `close()`. `fetcher`, `clock` and `processes` must
/// outlive it, and it must outlive the FUSE session's threads; the session's libfuse handle must
/// outlive `close()`.
/// Thread-safe. `read` is called by FUSE threads: it does local disk I/O, takes no lock for
/// readable blocks and never waits for the network. Missing blocks are answered by the fetcher's
/// worker threads.
class ReadService {
 public:
  ReadService(std::shared_ptr<LocalImage> image, fetcher::BlockFetcher& fetcher,
              ReadServiceOptions options, const Clock& clock, const ProcessTable& processes);
  ~ReadService();
  ReadService(const ReadService&) = delete;
  ReadService& operator=(const ReadService&) = delete;

  /// Up to `size` bytes from `offset`; fewer, or none, at the end of the image.
  void read(Reply reply, ByteOffset offset, std::size_t size);

  /// Of a disk: writes a copy of `bytes`, which may lie where the next request will. `durable`:
  /// flushed before the reply. ENOSPC at the end of the disk, which never grows.
  void write(Reply reply, ByteOffset offset, std::span<const std::byte> bytes, bool durable);
  /// Of a disk: zeros, up to its end.
  void zero(Reply reply, ByteOffset offset, ByteCount length, bool durable);
  /// Of a disk: all that was written before becomes durable. For an image there is nothing to do.
  [[nodiscard]] Result<void> flush();

  /// The kernel has interrupted a request, which may not have come yet: answers it with EINTR if
  /// its reader is being killed or has a signal to handle.
  void interrupt(RequestKey key);

  /// About once a second: answers reads whose readers were killed and reads past their deadline,
  /// and hands parked ones to the fetcher again.
  void tick();

  /// Cancels all fetches and abandons all requests: the kernel has dropped them (the mount is
  /// gone), or sends them again to a successor. Call it when no thread is in `read` any more;
  /// returns when no worker thread uses this object.
  void close();

  [[nodiscard]] ReadStatistics statistics() const;
  [[nodiscard]] ChangeStatistics changes() const;
  [[nodiscard]] std::vector<WaitingRead> waiting() const;
  /// Reads are being noted: whoever could answer them elsewhere (the kernel by itself) must not.
  [[nodiscard]] bool recording() const noexcept;

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with callbacks the fetcher still holds
};

}  // namespace weft::fs
