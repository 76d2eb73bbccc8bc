// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/reader_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::testing {
namespace {

/// All of this runs in the child. Results are byte counts, or −errno.
struct Request {
  const char* path;
  ReadWay way;
  std::uint64_t offset;
  std::size_t size;
};

void* map(std::size_t size, int flags, int fd = -1, off_t offset = 0) {
  return ::mmap(nullptr, size, PROT_READ | (fd < 0 ? PROT_WRITE : 0), flags, fd, offset);
}

long read_by_aio(int fd, std::byte* buffer, const Request& request) {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return -errno;
  iocb block{};
  block.aio_lio_opcode = IOCB_CMD_PREAD;
  block.aio_fildes = static_cast<std::uint32_t>(fd);
  block.aio_buf = reinterpret_cast<std::uint64_t>(buffer);
  block.aio_nbytes = request.size;
  block.aio_offset = static_cast<std::int64_t>(request.offset);
  iocb* blocks[] = {&block};
  if (::syscall(SYS_io_submit, context, 1, blocks) != 1) return -errno;
  if (request.way == ReadWay::aio_exit) ::_exit(0);
  io_event event{};
  long got = 0;
  while ((got = ::syscall(SYS_io_getevents, context, 1, 1, &event, nullptr)) < 0 &&
         errno == EINTR) {
  }
  return got == 1 ? static_cast<long>(event.res) : -errno;
}

long read_by_uring(int fd, std::byte* buffer, const Request& request) {
  io_uring_params parameters{};
  const int ring = static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters));
  if (ring < 0) return -errno;
  const auto ring_at = [&](std::size_t size, std::uint64_t at) {
    return static_cast<std::byte*>(
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, static_cast<off_t>(at)));
  };
  std::byte* submissions = ring_at(4096, IORING_OFF_SQ_RING);
  std::byte* completions = ring_at(4096, IORING_OFF_CQ_RING);
  auto* entry = reinterpret_cast<io_uring_sqe*>(ring_at(4096, IORING_OFF_SQES));
  std::memset(entry, 0, sizeof *entry);
  entry->opcode = IORING_OP_READ;
  entry->fd = fd;
  entry->off = request.offset;
  entry->addr = reinterpret_cast<std::uint64_t>(buffer);
  entry->len = static_cast<std::uint32_t>(request.size);
  reinterpret_cast<std::uint32_t*>(submissions + parameters.sq_off.array)[0] = 0;
  auto* tail = reinterpret_cast<std::uint32_t*>(submissions + parameters.sq_off.tail);
  __atomic_store_n(tail, 1, __ATOMIC_RELEASE);
  long got = ::syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
  while (got < 0 && errno == EINTR) {
    got = ::syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
  }
  if (got < 0) return -errno;
  return reinterpret_cast<io_uring_cqe*>(completions + parameters.cq_off.cqes)->res;
}

long read_once(const Request& request, std::byte* buffer) {
  const bool cached = request.way == ReadWay::cached || request.way == ReadWay::mapped;
  const int fd = ::open(request.path, O_RDONLY | (cached ? 0 : O_DIRECT));
  if (fd < 0) return -errno;
  const auto at = static_cast<off_t>(request.offset);
  switch (request.way) {
    case ReadWay::cached:
    case ReadWay::direct: {
      const ssize_t got = ::pread(fd, buffer, request.size, at);
      return got < 0 ? -errno : got;
    }
    case ReadWay::aio:
    case ReadWay::aio_exit:
      return read_by_aio(fd, buffer, request);
    case ReadWay::uring:
      return read_by_uring(fd, buffer, request);
    case ReadWay::mapped: {
      const void* mapped = map(request.size, MAP_SHARED, fd, at);
      if (mapped == MAP_FAILED) return -errno;
      std::memcpy(buffer, mapped, request.size);  // SIGBUS if the read fails
      return static_cast<long>(request.size);
    }
  }
  return -EINVAL;
}

[[noreturn]] void run(const Request& request, std::uint64_t* sum) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto* buffer = static_cast<std::byte*>(map(request.size, MAP_PRIVATE | MAP_ANONYMOUS));
  const long got = read_once(request, buffer);
  if (got < 0) ::_exit(static_cast<int>(-got));
  std::uint64_t total = 0;
  for (long i = 0; i < got; ++i)
    total += static_cast<std::uint64_t>(buffer[i]);
  *sum = total;
  ::_exit(static_cast<std::size_t>(got) == request.size ? 0 : 254);
}

}  // namespace

ReaderProcess::ReaderProcess(const std::string& path, ReadWay way, std::uint64_t offset,
                             std::size_t size)
    : shared_sum_(
          static_cast<std::uint64_t*>(map(sizeof(std::uint64_t), MAP_SHARED | MAP_ANONYMOUS))) {
  const Request request{path.c_str(), way, offset, size};
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) run(request, shared_sum_);
}

ReaderProcess::~ReaderProcess() {
  if (!status_) {
    signal(SIGKILL);
    (void)wait(std::chrono::seconds(30));
  }
  ::munmap(shared_sum_, sizeof(std::uint64_t));
}

std::optional<int> ReaderProcess::wait(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    } else if (std::chrono::steady_clock::now() >= end) {
      return std::nullopt;
    } else {
      ::poll(nullptr, 0, 2);
    }
  }
  return status_;
}

void ReaderProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::uint64_t ReaderProcess::sum() const {
  return *shared_sum_;
}

}  // namespace weft::testing
