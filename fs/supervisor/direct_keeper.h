// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"

#include <memory>

namespace weft::fs {

/// Mounts and unmounts in this very process, without a supervisor: for the embedded node of a
/// single command, and for tests. The mounts end with the process; `inherited()` is always empty.
/// Thread-safe. Destruction forgets the mounts without unmounting them: stop the sessions and
/// unmount first. Keys start above `last_key`.
[[nodiscard]] std::unique_ptr<MountKeeper> make_direct_mount_keeper(MountKey last_key = MountKey{
                                                                        0});

}  // namespace weft::fs
