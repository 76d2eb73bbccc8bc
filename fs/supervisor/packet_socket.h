// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/protocol.h"
#include "indexer/core/unique_fd.h"

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

/// The socket between worker and supervisor: AF_UNIX, SOCK_SEQPACKET, descriptors by SCM_RIGHTS.
namespace weft::fs::supervision {

/// Both ends close-on-exec, with room for a few of the largest packets.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> make_socket_pair();

[[nodiscard]] bool is_packet_socket(int fd);

/// Never waits. False: the socket is full, try when it is writable. At most
/// `descriptors_per_packet` descriptors, which stay the caller's. Errc::cancelled: the other side
/// is gone.
[[nodiscard]] Result<bool> send_packet(int socket, std::span<const std::byte> bytes,
                                       std::span<const int> descriptors);

struct Received {
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> descriptors;  ///< close-on-exec
  bool descriptors_lost = false;      ///< this process had no room for some (RLIMIT_NOFILE)
};

/// Never waits; none if nothing is there. Errc::cancelled: the other side is gone.
[[nodiscard]] Result<std::optional<Received>> receive_packet(int socket);

}  // namespace weft::fs::supervision
