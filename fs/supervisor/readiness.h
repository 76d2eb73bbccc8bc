// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"

#include <string>

namespace weft::fs {

/// Tells who started the daemon that it serves: by a line on a pipe, and by systemd's notification
/// protocol (sd_notify(3): a datagram to $NOTIFY_SOCKET, spoken here without libsystemd). Both are
/// best effort.
class Readiness {
 public:
  explicit Readiness(UniqueFd pipe);
  void ready();  ///< once; further calls do nothing
  void stopping();

 private:
  void notify(const std::string& state) const;

  UniqueFd pipe_;
  std::string socket_path_;
  bool told_ = false;
};

}  // namespace weft::fs
