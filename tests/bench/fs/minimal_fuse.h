// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace weft::bench {

/// The smallest pass-through file system that FUSE allows: TARGET/disk.raw shows `backing`, read
/// with one pread and one writev per request, without libfuse, checks, locks or statistics; one
/// pinned thread per channel, as the product has. What it cannot do, FUSE cannot do.
///
/// Calls `ready` when mounted and returns when the mount is gone; false: could not mount.
[[nodiscard]] bool serve_minimal(const std::string& target, const std::string& backing,
                                 unsigned channels, const std::function<void()>& ready);

}  // namespace weft::bench
