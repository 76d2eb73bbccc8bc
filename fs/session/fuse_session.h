// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/session/channel_thread.h"
#include "fs/session/served_image.h"
#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/error.h"

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

struct fuse_session;

namespace weft::fs {

/// One mount being served: libfuse on the descriptors of a MountHandle, with a receive loop of its
/// own on one pinned thread per channel (libfuse's cannot serve descriptors it did not open).
///
/// INTERRUPT requests do not reach libfuse: it keeps those that come too late until it gets other
/// requests, and has locks of its own around the rest.
///
/// Start: the kernel's INIT request is replayed into libfuse and its answer sent; if an earlier
/// worker has answered it, the kernel refuses the answer, and libfuse is initialised all the same.
/// For an inherited mount the kernel is then asked to send unanswered requests again. Node ids
/// and handles are fixed numbers, so that open files go on working.
/// End: by `stop()`, which leaves the mount as it is, or because the file system was unmounted;
/// then `ended` is called once, on the last channel thread: it must not destroy the session.
///
/// Thread-safe: `stop` by one thread, any but the channel threads.
class FuseSession {
 public:
  struct Options {
    std::string name;  ///< for thread names and the log
    std::function<void()> ended;
  };

  /// `served` and what it refers to must outlive the session. Errc::unsupported: libfuse refuses
  /// the kernel's offer.
  [[nodiscard]] static Result<std::unique_ptr<FuseSession>> start(MountHandle handle,
                                                                  const ServedImage& served,
                                                                  Options options);
  /// Stops. Requests still held by Reply objects must have been answered or abandoned.
  ~FuseSession();
  FuseSession(const FuseSession&) = delete;
  FuseSession& operator=(const FuseSession&) = delete;

  /// Returns when no channel thread runs any more: at once, unless the local disk holds one up,
  /// which is logged after five seconds.
  void stop();

 private:
  struct Destroy {
    void operator()(fuse_session* session) const noexcept;
  };

  FuseSession(MountHandle handle, const ServedImage& served, Options options);
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> replay_init();
  void ask_for_unanswered();
  [[nodiscard]] Result<void> start_threads();
  void serve(int channel);
  /// False: the connection has ended.
  [[nodiscard]] bool serve_one(int channel, std::span<std::byte> buffer);
  [[nodiscard]] bool interrupt(std::span<const std::byte> request);

  const Options options_;
  const ServedImage& served_;
  MountHandle handle_;
  std::unique_ptr<fuse_session, Destroy> session_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> running_{0};
  std::vector<std::unique_ptr<ChannelThread>> threads_;
};

}  // namespace weft::fs
