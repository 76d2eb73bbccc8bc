// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace weft::testing {

/// How a reader reads.
enum class ReadWay {
  cached,    ///< pread
  direct,    ///< pread with O_DIRECT
  aio,       ///< io_submit with O_DIRECT, then io_getevents
  aio_exit,  ///< io_submit with O_DIRECT, then exit without waiting: exit_aio waits in the kernel
  uring,     ///< io_uring with O_DIRECT
  mapped     ///< a page fault
};

/// A child that reads once, in blocks and from a 4096-byte boundary: it may hang in the kernel,
/// which no thread of a test may. It only makes system calls, so that it may be forked from a
/// process with threads. The destructor kills it and waits for it up to 30 s.
class ReaderProcess {
 public:
  ReaderProcess(const std::string& path, ReadWay way, std::uint64_t offset, std::size_t size);
  ~ReaderProcess();
  ReaderProcess(const ReaderProcess&) = delete;
  ReaderProcess& operator=(const ReaderProcess&) = delete;

  /// 0: the read brought all bytes and their sum is `sum()`; else errno of the read, or 255 if
  /// the child was killed. nullopt: still running.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds timeout);
  void signal(int number) const;
  /// Sum over the bytes read.
  [[nodiscard]] std::uint64_t sum() const;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::uint64_t* shared_sum_;
  std::optional<int> status_;
};

}  // namespace weft::testing
