// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_registry.h"
#include "fs/supervisor/protocol.h"
#include "indexer/core/unique_fd.h"

#include <deque>
#include <optional>

namespace weft::fs::supervision {

/// Serves one worker's requests, one at a time: the next is read when the answer to the last has
/// been sent, so nothing piles up. One thread; never waits on the socket.
class RequestServer {
 public:
  RequestServer(UniqueFd socket, MountRegistry& mounts)
      : socket_(std::move(socket)), mounts_(mounts) {}

  /// −1 once the worker has closed its end.
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// What to poll for.
  [[nodiscard]] short events() const;
  /// Call when the socket is ready for `events()`, or hung up.
  void on_event();
  [[nodiscard]] bool worker_is_ready() const { return ready_; }

  // --- Upgrades (hand_over.h). Their calls are not answered here, but by `reply`, perhaps later.
  /// The next of them; none: nothing new. At most four wait at a time, more are refused.
  [[nodiscard]] std::optional<Packet> take_upgrade_call();
  void reply(std::uint64_t request, Message reply);
  /// What was sent that is no message of this version; null: nothing.
  [[nodiscard]] const std::optional<Error>& garbled() const { return garbled_; }
  /// Of a candidate that may not serve yet: whatever else it calls is refused.
  void restrict_to_upgrade(bool restricted) { restricted_ = restricted; }

 private:
  struct Outgoing {
    std::vector<std::byte> bytes;
    /// Channels to send along, looked up when sending: the mount may go before that.
    MountKey mount{};
    std::size_t first = 0;
    std::size_t count = 0;
    bool opens = false;  ///< the memory for opens instead
  };

  void answer(const Packet& packet);
  [[nodiscard]] bool keep_for_upgrade(const Packet& packet);
  Message perform(const Message& call);
  void queue(std::uint64_t request, Message reply);
  void flush();
  [[nodiscard]] std::vector<int> descriptors_of(const Outgoing& packet) const;
  static MountReply reply_for(const HeldMount& mount, bool inherited);
  void answer_opens(std::uint64_t request, MountKey key);

  UniqueFd socket_;
  MountRegistry& mounts_;
  std::deque<Outgoing> outgoing_;
  std::deque<Packet> upgrade_calls_;
  std::optional<Error> garbled_;
  bool restricted_ = false;
  bool ready_ = false;
};

}  // namespace weft::fs::supervision
