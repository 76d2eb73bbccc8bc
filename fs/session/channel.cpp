// SPDX-License-Identifier: Apache-2.0
#include "fs/session/channel.h"

#include "fs/session/fuse_abi.h"
#include "fs/session/libfuse.h"
#include "indexer/core/assert.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/uio.h>
#include <unistd.h>

namespace weft::fs {
namespace {

thread_local int current_channel = -1;
thread_local std::uint64_t current_request = 0;
thread_local bool asks_for_passthrough = false;

/// Backing files lie on file systems that are not stacked themselves.
constexpr std::uint32_t stack_depth = 1;

ssize_t write_init(iovec* parts, int count) {
  if (count != 2 || parts[1].iov_len != sizeof(abi::InitOut)) {
    return ::writev(current_channel, parts, count);
  }
  abi::InitOut out;
  std::memcpy(&out, parts[1].iov_base, sizeof out);
  out.flags |= abi::init_ext;
  out.flags2 |= abi::init2_passthrough;
  out.max_stack_depth = stack_depth;
  const std::array<iovec, 2> extended{parts[0], iovec{&out, sizeof out}};
  return ::writev(current_channel, extended.data(), count);
}

ssize_t write_to_channel(int /*session_fd*/, iovec* parts, int count, void* /*session*/) {
  WEFT_ASSERT(current_channel >= 0, "a FUSE reply outside of a ChannelScope");
  const ssize_t written =
      asks_for_passthrough ? write_init(parts, count) : ::writev(current_channel, parts, count);
  // The kernel has dropped the request: reader killed, mount gone, or (for INIT) answered by an
  // earlier worker. libfuse keeps quiet about ENOENT only.
  if (written < 0 && (errno == EPERM || errno == ENODEV || errno == ECONNABORTED)) errno = ENOENT;
  return written;
}

ssize_t read_from_channel(int session_fd, void* buffer, size_t size, void* /*session*/) {
  return ::read(current_channel >= 0 ? current_channel : session_fd, buffer, size);
}

}  // namespace

ChannelScope::ChannelScope(int channel) noexcept
    : previous_(std::exchange(current_channel, channel)) {}

ChannelScope::~ChannelScope() {
  current_channel = previous_;
}

int ChannelScope::current() noexcept {
  return current_channel;
}

void ChannelScope::set_request(std::uint64_t unique) noexcept {
  current_request = unique;
}

std::uint64_t ChannelScope::request() noexcept {
  return current_request;
}

PassthroughOffer::PassthroughOffer() noexcept {
  asks_for_passthrough = true;
}

PassthroughOffer::~PassthroughOffer() {
  asks_for_passthrough = false;
}

const fuse_custom_io& channel_io() noexcept {
  static const fuse_custom_io io{.writev = write_to_channel,
                                 .read = read_from_channel,
                                 .splice_receive = nullptr,
                                 .splice_send = nullptr};
  return io;
}

}  // namespace weft::fs
