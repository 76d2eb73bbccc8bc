// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fs/minimal_fuse.h"

#include "fs/session/channel_thread.h"
#include "fs/session/session_limits.h"
#include "fs/supervisor/fuse_mount.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace weft::bench {
namespace {

constexpr std::uint64_t file_node = 2;

class Minimal {
 public:
  Minimal(int backing, std::uint64_t size, const MinimalObserver& observe)
      : backing_(backing), size_(size), observe_(observe) {}

  void serve(int channel) const {
    std::vector<char> request(fs::channel_buffer_size);
    auto* data = static_cast<char*>(std::aligned_alloc(4096, 1 << 20));
    while (true) {
      const ssize_t got = ::read(channel, request.data(), request.size());
      if (got < 0 && (errno == EINTR || errno == ENOENT)) continue;
      if (got <= 0) break;
      answer(channel, request.data(), data);
    }
    std::free(data);
  }

  void answer_init(int channel, const std::vector<std::byte>& request) const {
    fuse_in_header header;
    std::memcpy(&header, request.data(), sizeof header);
    fuse_init_out out{};
    out.major = 7;
    out.minor = 38;
    out.max_readahead = 1 << 20;
    out.flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_MAX_PAGES;
    out.max_background = fs::max_background;
    out.congestion_threshold = fs::max_background;
    out.max_write = fs::max_request;
    out.max_pages = fs::max_request / 4096;
    out.time_gran = 1;
    reply(channel, header.unique, 0, &out, sizeof out);
  }

 private:
  static void reply(int channel, std::uint64_t unique, int error, const void* body,
                    std::size_t size) {
    fuse_out_header header{static_cast<std::uint32_t>(sizeof header + size), -error, unique};
    iovec parts[2] = {{&header, sizeof header}, {const_cast<void*>(body), size}};
    (void)!::writev(channel, parts, size == 0 ? 1 : 2);
  }

  [[nodiscard]] fuse_attr attributes(std::uint64_t node) const {
    fuse_attr attributes{};
    attributes.ino = node;
    attributes.nlink = 1;
    attributes.mode = node == file_node ? S_IFREG | 0444 : S_IFDIR | 0555;
    attributes.size = node == file_node ? size_ : 0;
    return attributes;
  }

  void answer(int channel, const char* request, char* data) const {
    fuse_in_header header;
    std::memcpy(&header, request, sizeof header);
    const char* body = request + sizeof header;
    switch (header.opcode) {
      case FUSE_READ: {
        fuse_read_in read;
        std::memcpy(&read, body, sizeof read);
        MinimalRead seen{.offset = read.offset, .size = read.size, .begin = {}, .end = {}};
        if (observe_) seen.begin = std::chrono::steady_clock::now();
        const ssize_t got = ::pread(backing_, data, read.size, static_cast<off_t>(read.offset));
        reply(channel, header.unique, got < 0 ? errno : 0, data,
              got < 0 ? 0 : static_cast<std::size_t>(got));
        if (!observe_) return;
        seen.end = std::chrono::steady_clock::now();
        return observe_(seen);
      }
      case FUSE_LOOKUP: {
        fuse_entry_out out{};
        out.nodeid = file_node;
        out.entry_valid = out.attr_valid = 86400;
        out.attr = attributes(file_node);
        return reply(channel, header.unique, 0, &out, sizeof out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr_valid = 86400;
        out.attr = attributes(header.nodeid);
        return reply(channel, header.unique, 0, &out, sizeof out);
      }
      case FUSE_OPEN: {
        fuse_open_in open;
        std::memcpy(&open, body, sizeof open);
        fuse_open_out out{};
        out.open_flags = (open.flags & O_DIRECT) != 0 ? FOPEN_DIRECT_IO : FOPEN_KEEP_CACHE;
        return reply(channel, header.unique, 0, &out, sizeof out);
      }
      case FUSE_RELEASE:
        return reply(channel, header.unique, 0, nullptr, 0);
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        return;
      default:
        return reply(channel, header.unique, ENOSYS, nullptr, 0);
    }
  }

  const int backing_;
  const std::uint64_t size_;
  const MinimalObserver& observe_;
};

}  // namespace

bool serve_minimal(const std::string& target, const std::string& backing, unsigned channels,
                   const std::function<void()>& ready, const MinimalObserver& observe) {
  const UniqueFd file(::open(backing.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat attributes{};
  if (!file || ::fstat(file.get(), &attributes) != 0) return false;
  auto mount = fs::open_fuse_mount(target, fs::TargetKind::directory, channels);
  if (!mount) {
    std::fprintf(stderr, "%s\n", mount.error().message().c_str());
    return false;
  }
  const Minimal minimal(file.get(), static_cast<std::uint64_t>(attributes.st_size), observe);
  minimal.answer_init(mount->channels[0].get(), mount->init_request);
  std::vector<std::unique_ptr<fs::ChannelThread>> threads;
  for (unsigned i = 0; i < channels; ++i) {
    auto thread = fs::ChannelThread::start(
        {.name = "minimal", .index = i},
        [&minimal, channel = mount->channels[i].get()] { minimal.serve(channel); });
    if (!thread) return false;
    threads.push_back(std::move(*thread));
  }
  ready();
  return true;  // joins the threads
}

}  // namespace weft::bench
