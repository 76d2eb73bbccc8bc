// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/raw_fuse.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace weft::testing {
namespace {

// Newer than the header of Debian 12.
constexpr int notify_resend = 7;
constexpr std::uint64_t unique_resend = std::uint64_t{1} << 63;

constexpr std::uint64_t image_inode = 2;

template <class T>
T take(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

bool reply(int channel, std::uint64_t unique, int error, std::span<const std::byte> body) {
  const fuse_out_header header{static_cast<std::uint32_t>(sizeof header + body.size()), error,
                               unique};
  iovec parts[2] = {{const_cast<fuse_out_header*>(&header), sizeof header},
                    {const_cast<std::byte*>(body.data()), body.size()}};
  return ::writev(channel, parts, 2) >= 0;
}

fuse_attr attributes(bool directory, std::uint64_t inode) {
  fuse_attr attr{};
  attr.ino = inode;
  attr.mode = directory ? S_IFDIR | 0555U : S_IFREG | 0444U;
  attr.nlink = 1;
  attr.size = directory ? 0 : raw_image_size;
  return attr;
}

std::vector<std::byte> listing() {
  const std::string_view name(raw_image_name);
  fuse_dirent entry{};
  entry.ino = image_inode;
  entry.off = 1;
  entry.namelen = static_cast<std::uint32_t>(name.size());
  entry.type = S_IFREG >> 12;
  std::vector<std::byte> out(FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name.size()));
  std::memcpy(out.data(), &entry, FUSE_NAME_OFFSET);
  std::memcpy(out.data() + FUSE_NAME_OFFSET, name.data(), name.size());
  return out;
}

}  // namespace

RawFuseServer::RawFuseServer(fs::MountHandle handle, Hold hold)
    : handle_(std::move(handle)), hold_(std::move(hold)) {}

RawFuseServer::~RawFuseServer() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.detach();
  }
}

void RawFuseServer::join() {
  for (std::thread& thread : threads_)
    thread.join();
}

std::size_t RawFuseServer::held() {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

void RawFuseServer::answer_init() {
  const std::span<const std::byte> request(handle_.init_request);
  const auto header = take<fuse_in_header>(request);
  const auto in = take<fuse_init_in>(request.subspan(sizeof header));
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = std::min<std::uint32_t>(in.minor, FUSE_KERNEL_MINOR_VERSION);
  out.max_readahead = in.max_readahead;
  out.flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES;
  out.max_background = 64;
  out.congestion_threshold = 48;
  out.max_write = 128 * 1024;
  out.time_gran = 1;
  static_cast<void>(reply(handle_.channels[0].get(), header.unique, 0, bytes_of(out)));
}

void RawFuseServer::start() {
  answer_init();
  for (const UniqueFd& channel : handle_.channels) {
    threads_.emplace_back([this, fd = channel.get()] { serve(fd); });
  }
  if (!handle_.inherited) return;
  static_cast<void>(reply(handle_.channels[0].get(), 0, notify_resend, {}));
}

void RawFuseServer::serve(int channel) {
  std::vector<std::byte> buffer(std::size_t{256} << 10);
  for (;;) {
    const ssize_t n = ::read(channel, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == ENOENT)) continue;
    if (n <= 0) return;
    dispatch(channel, std::span(buffer).first(static_cast<std::size_t>(n)));
  }
}

void RawFuseServer::dispatch(int channel, std::span<const std::byte> request) {
  const auto header = take<fuse_in_header>(request);
  const auto body = request.subspan(sizeof header);
  const bool root_is_directory = handle_.spec.kind == fs::TargetKind::directory;
  const auto is_directory = [&](std::uint64_t inode) {
    return root_is_directory && inode == FUSE_ROOT_ID;
  };
  if ((header.unique & unique_resend) != 0) ++resent_;
  switch (header.opcode) {
    case FUSE_LOOKUP: {
      if (std::string_view(reinterpret_cast<const char*>(body.data())) != raw_image_name) {
        static_cast<void>(reply(channel, header.unique, -ENOENT, {}));
        return;
      }
      fuse_entry_out out{};
      out.nodeid = image_inode;
      out.attr = attributes(false, image_inode);
      out.entry_valid = out.attr_valid = 3600;
      static_cast<void>(reply(channel, header.unique, 0, bytes_of(out)));
      return;
    }
    case FUSE_GETATTR: {
      fuse_attr_out out{};
      out.attr_valid = 3600;
      out.attr = attributes(is_directory(header.nodeid), header.nodeid);
      static_cast<void>(reply(channel, header.unique, 0, bytes_of(out)));
      return;
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      fuse_open_out out{};
      if (header.opcode == FUSE_OPEN) out.open_flags = FOPEN_DIRECT_IO;
      static_cast<void>(reply(channel, header.unique, 0, bytes_of(out)));
      return;
    }
    case FUSE_READ:
      return on_read(channel, header.unique, body);
    case FUSE_READDIR: {
      const bool first = take<fuse_read_in>(body).offset == 0;
      static_cast<void>(
          reply(channel, header.unique, 0, first ? listing() : std::vector<std::byte>{}));
      return;
    }
    case FUSE_INTERRUPT:
      return on_interrupt(channel, body);
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      static_cast<void>(reply(channel, header.unique, 0, {}));
      return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
      return;
    default:
      static_cast<void>(reply(channel, header.unique, -ENOSYS, {}));
  }
}

void RawFuseServer::on_read(int channel, std::uint64_t unique, std::span<const std::byte> body) {
  const auto in = take<fuse_read_in>(body);
  if (hold_(in.offset)) {
    const std::lock_guard lock(mutex_);
    held_.insert(unique & ~unique_resend);
    return;
  }
  const std::uint64_t end = std::min(in.offset + in.size, raw_image_size);
  std::vector<std::byte> data;
  for (std::uint64_t at = in.offset; at < end; ++at)
    data.push_back(raw_image_byte(at));
  static_cast<void>(reply(channel, unique, 0, data));
}

void RawFuseServer::on_interrupt(int channel, std::span<const std::byte> body) {
  const std::uint64_t unique = take<fuse_interrupt_in>(body).unique;
  {
    const std::lock_guard lock(mutex_);
    if (held_.erase(unique & ~unique_resend) == 0) return;
  }
  // The kernel looks for a request on the channel it was read from; only there this succeeds.
  for (const UniqueFd& other : handle_.channels) {
    if (other.get() != channel) static_cast<void>(reply(other.get(), unique, -EINTR, {}));
  }
  static_cast<void>(reply(channel, unique, -EINTR, {}));
}

}  // namespace weft::testing
