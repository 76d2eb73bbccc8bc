// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/unique_fd.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing {

/// A reply as the kernel would get it.
struct FuseReply {
  std::uint64_t unique = 0;
  int error = 0;  ///< errno, positive; 0: success
  std::vector<std::byte> body;
};

/// The kernel's side of a FUSE mount over socket pairs: sessions are tested without a mount, and
/// races that a real kernel rarely shows can be played. One thread uses it.
class FuseWire {
 public:
  explicit FuseWire(unsigned channels = 2);

  /// Once; `inherited` as in MountHandle.
  [[nodiscard]] fs::MountHandle handle(fs::TargetKind kind, bool inherited = false);

  /// `unique` values are the caller's choice. `thread_id`: of the reader.
  void read(unsigned channel, std::uint64_t unique, std::uint64_t node, std::uint64_t offset,
            std::uint32_t size, std::uint32_t thread_id = 0);
  void write(unsigned channel, std::uint64_t unique, std::uint64_t node, std::uint64_t offset,
             std::span<const std::byte> bytes);
  void interrupt(unsigned channel, std::uint64_t unique);
  void lookup(unsigned channel, std::uint64_t unique, std::string_view name);
  void open(unsigned channel, std::uint64_t unique, std::uint64_t node, std::uint32_t flags);
  /// Any request, with `body` after the header.
  void send(unsigned channel, std::uint32_t opcode, std::uint64_t unique, std::uint64_t node,
            std::span<const std::byte> body, std::uint32_t thread_id = 0);

  /// nullopt: none came in time. Notifications of the session are replies with unique 0.
  [[nodiscard]] std::optional<FuseReply> reply(
      unsigned channel, std::chrono::milliseconds timeout = std::chrono::seconds(10));

  /// The end of the connection, as after umount.
  void close();

 private:
  std::vector<UniqueFd> kernel_;
  std::vector<UniqueFd> session_;
};

}  // namespace weft::testing
