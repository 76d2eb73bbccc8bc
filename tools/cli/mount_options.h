// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// What `weft mount` takes, by flags or by `-o key=value,…` as mount(8) does.
struct MountFlags {
  std::vector<std::string> peers;
  std::optional<std::string> policy;
  std::optional<std::string> hold;
  std::optional<std::string> prefetch;
  std::vector<std::string> qmp;
  bool materialize = false;
  bool create = false;
};

/// Applies one `-o` list. Options of mount(8) that mean nothing here (ro, nofail, _netdev, nosuid,
/// x-systemd.…) are accepted and ignored; `rw` and unknown ones are Errc::bad_request. Several
/// peers are given as peer=A,peer=B. Pure.
[[nodiscard]] Result<void> apply_mount_options(MountFlags& flags, std::string_view list);

}  // namespace weft::tools
