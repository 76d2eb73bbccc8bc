// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_manager.h"
#include "indexer/core/error.h"
#include "tools/config/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// What the catalog keeps of a mount, under its target.
struct MountRecord {
  ImageId image;
  std::string name;
  fs::TargetKind kind = fs::TargetKind::directory;
  fs::ReadPolicy policy;
  Prefetch prefetch = Prefetch::boot;
  bool disk = false;                    ///< `name` is a disk over the image
  std::vector<std::string> monitors{};  ///< QMP sockets of the QEMUs that use it
};

[[nodiscard]] std::string encode(const MountRecord& record);
/// Errc::damaged_state.
[[nodiscard]] Result<MountRecord> decode_mount_record(std::string_view json);

}  // namespace weft::tools
