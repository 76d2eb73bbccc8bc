// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <string>
#include <string_view>

namespace weft::fs {

struct WalkedPath {
  std::string path;    ///< absolute, without symlinks, "." and ".."
  bool exists = true;  ///< false: everything but the last component exists
};

/// realpath(3) that cannot hang and stays out of weft mounts: before it looks at a component it
/// asks the mount table what is there, and a mount that may hang must answer a probe within
/// `probe_deadline` first. The last component is not looked at if it is a mount point: it may be
/// stale, and the caller decides about it.
///
/// Errc::bad_target: a component is missing or no directory, or the path leads into a weft mount.
/// Errc::deadline_passed: a mount on the way does not answer. Errc::not_permitted.
[[nodiscard]] Result<WalkedPath> walk_path(std::string_view path, Duration probe_deadline);

/// errno of a call on a target or on the way to it, in the words of `prepare_target`.
[[nodiscard]] std::unexpected<Error> walk_error(int error_number, const std::string& path);

}  // namespace weft::fs
