// SPDX-License-Identifier: Apache-2.0
#include "fs/read/reply.h"

#include "fs/session/channel.h"
#include "fs/session/libfuse.h"
#include "indexer/core/assert.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>

namespace weft::fs {

Reply::Reply(fuse_req* request) noexcept
    : request_(request), key_{ChannelScope::request()}, channel_(ChannelScope::current()) {
  WEFT_ASSERT(channel_ >= 0, "a FUSE request outside of a ChannelScope");
}

Reply::Reply(Reply&& other) noexcept
    : request_(other.release()), key_(other.key_), channel_(other.channel_) {}

Reply::~Reply() {
  if (request_ == nullptr) return;
  spdlog::critical("a request was dropped without a reply: answering EIO");
  std::move(*this).error(EIO);
}

void Reply::data(std::span<const std::byte> bytes) && {
  const ChannelScope scope(channel_);
  fuse_reply_buf(release(), reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Reply::written(std::size_t bytes) && {
  const ChannelScope scope(channel_);
  fuse_reply_write(release(), bytes);
}

void Reply::error(int error_number) && {
  const ChannelScope scope(channel_);
  fuse_reply_err(release(), error_number);
}

void Reply::abandon() && {
  fuse_reply_none(release());
}

std::uint32_t Reply::thread_id() const noexcept {
  return static_cast<std::uint32_t>(fuse_req_ctx(request_)->pid);
}

fuse_req* Reply::release() noexcept {
  return std::exchange(request_, nullptr);
}

}  // namespace weft::fs
