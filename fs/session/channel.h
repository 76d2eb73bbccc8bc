// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

struct fuse_custom_io;

namespace weft::fs {

/// Replies sent by this thread go to this FUSE channel while the object lives.
///
/// The kernel finds a request only on the channel it was read from, and libfuse 3.14 knows one
/// descriptor per session; its custom I/O hook and a thread-local descriptor close the gap.
class ChannelScope {
 public:
  explicit ChannelScope(int channel) noexcept;
  ~ChannelScope();
  ChannelScope(const ChannelScope&) = delete;
  ChannelScope& operator=(const ChannelScope&) = delete;

  /// −1 outside of any scope.
  [[nodiscard]] static int current() noexcept;

  /// The request this thread is answering, by the kernel's number for it: libfuse does not tell.
  static void set_request(std::uint64_t unique) noexcept;
  [[nodiscard]] static std::uint64_t request() noexcept;

 private:
  int previous_;
};

/// While it lives, the answer to INIT that this thread sends asks for passthrough too: libfuse 3.14
/// has no words for it. Only for a kernel that offers it.
class PassthroughOffer {
 public:
  PassthroughOffer() noexcept;
  ~PassthroughOffer();
  PassthroughOffer(const PassthroughOffer&) = delete;
  PassthroughOffer& operator=(const PassthroughOffer&) = delete;
};

/// To be given to fuse_session_custom_io.
[[nodiscard]] const fuse_custom_io& channel_io() noexcept;

}  // namespace weft::fs
