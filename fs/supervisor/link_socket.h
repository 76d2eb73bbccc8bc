// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/protocol.h"
#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"
#include "indexer/core/unique_fd.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace weft::fs::supervision {

struct Received;

struct LinkReply {
  Message message;
  std::vector<UniqueFd> descriptors;
};

/// A mount whose descriptors are still arriving.
struct MountAssembly {
  std::uint64_t request = 0;
  MountReply reply;
  std::vector<UniqueFd> descriptors;
  std::size_t expected = 0;  ///< descriptors of the packets so far
  bool lost = false;         ///< some found no room in this process
};

/// The worker's end of the socket: matches replies to calls. A thread of its own receives, so that
/// the loss of the supervisor is noticed at once and a reply that comes too late does not leak a
/// mount. Thread-safe; the destructor waits for no reply.
class LinkSocket {
 public:
  explicit LinkSocket(UniqueFd socket);
  ~LinkSocket();
  LinkSocket(const LinkSocket&) = delete;
  LinkSocket& operator=(const LinkSocket&) = delete;

  /// The supervisor's answer, a refusal (`FailedReply`) included. Errc::deadline_passed; then a
  /// mount that is completed later is unmounted again. Errc::cancelled: the supervisor is lost.
  [[nodiscard]] Result<LinkReply> call(Message message, TimePoint deadline) WEFT_EXCLUDES(mutex_);

  [[nodiscard]] bool connected() const noexcept { return connected_; }

 private:
  void receive_loop();
  bool receive_one();
  void accept(Received received);
  void add_descriptors(Received received);
  void deliver(std::uint64_t request, Result<LinkReply> reply) WEFT_EXCLUDES(mutex_);
  Result<void> send(const Packet& packet, TimePoint deadline);
  void disconnect() WEFT_EXCLUDES(mutex_);

  const UniqueFd socket_;
  std::atomic<bool> connected_{true};
  std::atomic<bool> stopping_{false};
  std::optional<MountAssembly> assembly_;  ///< receiving thread only

  Mutex mutex_;
  Condition arrived_;
  std::uint64_t next_request_ WEFT_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, std::optional<Result<LinkReply>>> waiting_ WEFT_GUARDED_BY(mutex_);
  std::set<std::uint64_t> abandoned_mounts_ WEFT_GUARDED_BY(mutex_);

  std::thread receiver_;
};

}  // namespace weft::fs::supervision
