// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/mount_keeper.h"

namespace weft::fs {

std::string_view to_string(TargetKind kind) noexcept {
  return kind == TargetKind::directory ? "directory" : "file";
}

}  // namespace weft::fs
