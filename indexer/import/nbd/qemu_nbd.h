// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "indexer/import/nbd/block_graph.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace weft {

/// A private `qemu-nbd` that shows one image to this process alone.
///
/// Its listening socket is made here, in a directory of mode 0700, and handed over as systemd does;
/// all connections are made before it starts, and socket and directory are gone before it starts
/// too: nothing has to be waited for or cleaned up, and nobody else can connect. It is confined by
/// `Sandbox`, ends with its last connection, with the thread that started it (a crash of weft
/// included), and at the latest with this object, which kills and reaps it.
///
/// One thread starts and destroys it; `kill` and the questions may be asked by any.
class QemuNbd {
 public:
  /// Finds the program in PATH. Errc::unsupported: it is not there; the message names the package.
  /// errno: no process, no socket. Whether it likes the image shows on the connections.
  [[nodiscard]] static Result<std::unique_ptr<QemuNbd>> start(const BlockGraph& graph,
                                                              std::size_t connections);
  ~QemuNbd();
  QemuNbd(const QemuNbd&) = delete;
  QemuNbd& operator=(const QemuNbd&) = delete;

  /// The connected sockets, for once.
  [[nodiscard]] std::vector<UniqueFd> take_sockets() { return std::move(sockets_); }
  /// Whatever waits for it sees its connection end.
  void kill() noexcept;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// How it ended, if it does within `timeout`: "was killed by SIGKILL", "exited with status 1".
  [[nodiscard]] std::optional<std::string> end_within(Duration timeout) const;
  /// What it wrote to stderr so far, as one line without control characters.
  [[nodiscard]] std::string said() const;

 private:
  QemuNbd(pid_t pid, UniqueFd handle, UniqueFd messages, std::vector<UniqueFd> sockets);

  const pid_t pid_;
  const UniqueFd handle_;    // pidfd
  const UniqueFd messages_;  // its stderr: a file in memory
  std::vector<UniqueFd> sockets_;
};

}  // namespace weft
