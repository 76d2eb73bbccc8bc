// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_manager.h"
#include "indexer/core/clock.h"
#include "tools/daemon/housekeeper.h"
#include "tools/qmp/block_nodes.h"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace weft::tools {

class MountBook;

struct SwitchedDisk {
  std::vector<FileNode> nodes;  ///< of QEMU, opened again
  fs::OpensStatus opens;        ///< of the mount, afterwards
};

/// Has the QEMU behind the monitor `socket` open the mount's file again, so that it is passed
/// through. Blocks, about half a minute at most. Errc::not_mounted; unsupported: there is no
/// passthrough for this mount now, the message says why; target_busy: something else keeps the file
/// in cached mode; those of `QmpClient` and `switch_disk`.
[[nodiscard]] Result<SwitchedDisk> switch_mounted(const MountBook& mounts,
                                                  const std::string& target,
                                                  const std::filesystem::path& socket,
                                                  const std::stop_token& stop);

/// Whether a mount can be passed through while files are open that are not. Pure.
[[nodiscard]] bool is_worth_a_switch(const fs::OpensStatus& opens) noexcept;

/// Does that by itself for mounts that name monitors (`weft mount --qmp`), when their image is
/// whole. A monitor that is not there yet is passed over; one that refuses is asked again after a
/// minute. A thread of its own; the destructor waits for it, and breaks off what is said to QEMU,
/// but for a disk that is half switched.
class DiskSwitcher {
 public:
  explicit DiskSwitcher(MountBook& mounts);
  ~DiskSwitcher();
  DiskSwitcher(const DiskSwitcher&) = delete;
  DiskSwitcher& operator=(const DiskSwitcher&) = delete;

 private:
  struct Tried {
    TimePoint retry;
    bool done = false;  ///< its disk is passed through, as far as is known
  };
  using Wish = std::pair<std::string, std::string>;  // target, socket

  void round();
  void attempt(const Wish& wish, const fs::OpensStatus& opens);

  MountBook& mounts_;
  std::stop_source stop_;
  std::map<Wish, Tried> tried_;  // the thread only
  Housekeeper thread_;           // last: uses all of the above
};

}  // namespace weft::tools
