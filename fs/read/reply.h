// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

struct fuse_req;

namespace weft::fs {

/// Tells live requests of a session apart; reused after the reply.
enum class RequestKey : std::uintptr_t {};

/// The duty to answer one READ request: exactly one reply, on the channel it came from, by
/// whichever thread holds this object last. Destroying it unanswered replies EIO and logs, because
/// that is a bug. Replies do not fail: where the kernel has dropped the request, nobody waits.
///
/// Must not outlive its FuseSession. Move-only; after a reply or a move it is empty.
class Reply {
 public:
  /// Takes over `request`, which was read from the calling thread's channel.
  explicit Reply(fuse_req* request) noexcept;
  Reply(Reply&& other) noexcept;
  Reply& operator=(Reply&&) = delete;
  ~Reply();

  void data(std::span<const std::byte> bytes) &&;
  void error(int error_number) &&;
  /// Ends the duty without a reply: the mount is gone, or a successor of this worker will answer.
  void abandon() &&;

  /// `hook(request, context)` is called when the kernel interrupts the request `key`, on another
  /// thread or within this call. libfuse holds the request's own lock around it, so this must be
  /// called without any lock that `hook` takes, and while nobody can reply. `hook` may reply.
  using InterruptHook = void (*)(fuse_req* request, void* context);
  static void on_interrupt(RequestKey key, InterruptHook hook, void* context);

  [[nodiscard]] static RequestKey key_of(const fuse_req* request) noexcept;
  [[nodiscard]] RequestKey key() const noexcept { return key_of(request_); }
  [[nodiscard]] std::uint32_t thread_id() const noexcept;

 private:
  [[nodiscard]] fuse_req* release() noexcept;

  fuse_req* request_;
  int channel_;
};

}  // namespace weft::fs
