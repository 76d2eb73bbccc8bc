// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_book.h"
#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/worker_pool.h"
#include "indexer/store/store.h"
#include "tools/config/config.h"
#include "tools/daemon/disk_switcher.h"
#include "tools/daemon/housekeeper.h"
#include "tools/daemon/job_book.h"
#include "tools/daemon/mount_book.h"
#include "tools/daemon/network_side.h"
#include "tools/daemon/peer_book.h"

#include <atomic>
#include <memory>
#include <string>

namespace weft::tools {

class UpgradeDesk;

struct NodeOptions {
  Config config;
  /// Talk to peers. False: a node for one command that needs only the store.
  bool network = true;
  /// Mounts, and those that outlived an earlier worker. Null: none. Outlives the node.
  fs::MountKeeper* keeper = nullptr;
  /// Null: the node cannot be upgraded. Outlives the node.
  UpgradeDesk* upgrades = nullptr;
  /// Where a worker that served them waits for this node to start, `fail`.
  fs::Hopeless hopeless = fs::Hopeless::unmount;
};

/// One node on one state directory: store, workers, network, mounts, jobs.
///
/// Lifecycle. `start`: store (takes the lock, recovers) → workers → I/O thread, fetcher, peer
/// server → recorded peers → mounts (inherited, then recorded) → jobs → housekeeping. `stop`, in
/// this order:
///   1. no more connections from peers (control requests have been ended by the control server)
///   2. no more housekeeping, no more switching of disks; new mounts and jobs are refused
///   3. unmount, by force what is busy (the record of mounts stays)
///   4. cancel jobs and fetches (jobs stay recorded), drain the I/O thread and join it
///   5. run what the workers have queued, join them
///   6. flush the store; close the catalog and release the lock with the last reference
/// A worker that is killed skips all of it: its successor finds everything on disk.
/// A node that fails to start, or is destroyed without `stop`, does the same but leaves the mounts
/// as they are if others have them, too (MountKeeper::shared): a successor inherits them.
///
/// Threads: `start`, `stop` and the accessors from any thread that may block, never from the I/O
/// thread or a worker. What the accessors return is thread-safe and lives as long as the node.
class Node {
 public:
  /// Errc::state_locked, newer_state, damaged_state, not_permitted; errno of bind(2) or the disk.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(NodeOptions options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const Config& config() const noexcept { return options_.config; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Site, caps and uplinks of the configuration.
  [[nodiscard]] const fetcher::OwnLinkInfo& own_link() const noexcept { return own_link_; }
  [[nodiscard]] TimePoint started() const noexcept { return started_; }
  [[nodiscard]] Store& store() noexcept { return *store_; }
  [[nodiscard]] WorkerPool& workers() noexcept { return *workers_; }
  [[nodiscard]] PeerBook& peers() noexcept { return *peers_; }
  [[nodiscard]] fetcher::ProfileBook& profiles() noexcept { return *profiles_; }
  /// Null without a network, or without mounts.
  [[nodiscard]] NetworkSide* network() noexcept { return network_.get(); }
  [[nodiscard]] JobBook* jobs() noexcept { return jobs_.get(); }
  [[nodiscard]] MountBook* mounts() noexcept { return mounts_.get(); }

  /// Whether anything goes on that an embedded node exists for: a mount or a running job.
  [[nodiscard]] bool busy();
  /// Errors of the last periodic flush; empty if it succeeded. For status.
  [[nodiscard]] bool flush_failing() const noexcept { return flush_failing_; }

  /// Gives back images that have no name and that nobody holds. Periodic in a node with a network.
  void collect_unnamed();

  [[nodiscard]] UpgradeDesk* upgrades() noexcept { return options_.upgrades; }

  void stop();
  /// The same, but the mounts stay, for whoever inherits them: readers wait for it.
  void suspend();

 private:
  void end(bool unmount);
  explicit Node(NodeOptions options);
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> connect();
  [[nodiscard]] Result<void> resume();
  void keep_house();

  const NodeOptions options_;
  const std::string name_;
  const fetcher::OwnLinkInfo own_link_;
  const TimePoint started_;
  std::atomic<bool> flush_failing_ = false;
  std::atomic<bool> collect_failing_ = false;
  bool stopped_ = false;
  // In the order of starting; destroyed in reverse after `stop`.
  std::unique_ptr<Store> store_;
  std::unique_ptr<fetcher::ProfileBook> profiles_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<NetworkSide> network_;
  std::unique_ptr<PeerBook> peers_;
  std::unique_ptr<MountBook> mounts_;
  std::unique_ptr<JobBook> jobs_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<DiskSwitcher> switcher_;
};

}  // namespace weft::tools
