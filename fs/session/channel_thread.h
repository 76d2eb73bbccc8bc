// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>

#include <pthread.h>

namespace weft::fs {

/// A named thread with a small stack, pinned to one CPU, whose blocking system call can be broken
/// off: what `std::thread` cannot do.
///
/// Rationale for `wake`: nothing but a signal ends a read(2) on /dev/fuse without a request, and
/// polling for a second descriptor would cost every request a system call and wake every thread.
/// The process-wide handler of SIGRTMAX − 2, installed by the first object, does nothing.
class ChannelThread {
 public:
  struct Options {
    std::string name;    ///< at most 15 bytes are shown
    unsigned index = 0;  ///< pinned to CPU number `index`, counted around the CPUs allowed
  };
  [[nodiscard]] static Result<std::unique_ptr<ChannelThread>> start(Options options,
                                                                    std::function<void()> body);
  /// Joins: the body must be about to end.
  ~ChannelThread();
  ChannelThread(const ChannelThread&) = delete;
  ChannelThread& operator=(const ChannelThread&) = delete;

  /// The body's blocking system call returns EINTR, if it is in one. To be repeated until
  /// the body has ended, since it may be just before the call.
  void wake() const;
  /// Waits for the end of the body, but not longer than `limit`.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds limit) {
    return ended_.try_acquire_for(limit) && (ended_.release(), true);
  }

 private:
  ChannelThread(Options options, std::function<void()> body);
  static void* run(void* self);

  const Options options_;
  std::function<void()> body_;
  std::binary_semaphore ended_{0};
  pthread_t thread_{};
  bool started_ = false;
};

}  // namespace weft::fs
