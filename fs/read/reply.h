// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

struct fuse_req;

namespace weft::fs {

/// The kernel's number of a request; not reused while the mount lives.
enum class RequestKey : std::uint64_t {};

/// The duty to answer one READ request, or one that changes a disk: exactly one reply, on the
/// channel it came from, by whichever thread holds this object last. Destroying it unanswered
/// replies EIO and logs, because that is a bug. Replies do not fail: where the kernel has dropped
/// the request, nobody waits.
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
  /// Of a WRITE: so many bytes.
  void written(std::size_t bytes) &&;
  /// 0: done, of a request that answers nothing.
  void error(int error_number) &&;
  /// Ends the duty without a reply: the mount is gone, or a successor of this worker will answer.
  void abandon() &&;

  [[nodiscard]] RequestKey key() const noexcept { return key_; }
  [[nodiscard]] std::uint32_t thread_id() const noexcept;

 private:
  [[nodiscard]] fuse_req* release() noexcept;

  fuse_req* request_;
  RequestKey key_;
  int channel_;
};

}  // namespace weft::fs
