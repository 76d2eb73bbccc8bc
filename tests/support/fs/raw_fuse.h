// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <thread>
#include <vector>

namespace weft::testing {

inline constexpr std::uint64_t raw_image_size = std::uint64_t{4} << 20;
/// Name of the image in a mounted directory.
inline constexpr const char* raw_image_name = "image.raw";

/// Byte `offset` of the image that RawFuseServer serves.
[[nodiscard]] constexpr std::byte raw_image_byte(std::uint64_t offset) {
  return static_cast<std::byte>((offset * 0x9E3779B97F4A7C15ULL) >> 56);
}

/// Speaks the kernel's FUSE protocol by hand, as small as it can be: one image with known bytes,
/// read past the page cache. Independent of libfuse and of weft's own session, it checks what the
/// supervisor promises: descriptors, INIT, and requests sent again to a successor.
///
/// One thread per channel. The destructor does not wait for threads that are blocked in read(2): it
/// is for processes that end with it, or whose mount is already gone.
class RawFuseServer {
 public:
  /// `hold(offset)`: true = never answer this read (unless it is interrupted).
  using Hold = std::function<bool(std::uint64_t offset)>;

  RawFuseServer(fs::MountHandle handle, Hold hold);
  ~RawFuseServer();
  RawFuseServer(const RawFuseServer&) = delete;
  RawFuseServer& operator=(const RawFuseServer&) = delete;

  /// Answers INIT; asks for requests in flight if the mount is inherited; starts the threads.
  void start();
  /// Until the mount is gone.
  void join();

  /// Read requests that wait for ever.
  [[nodiscard]] std::size_t held();
  /// Requests that the kernel sent to a predecessor first.
  [[nodiscard]] std::size_t resent() const { return resent_; }
  [[nodiscard]] const fs::MountHandle& handle() const { return handle_; }

 private:
  void answer_init();
  void serve(int channel);
  void dispatch(int channel, std::span<const std::byte> request);
  void on_read(int channel, std::uint64_t unique, std::span<const std::byte> body);
  void on_interrupt(int channel, std::span<const std::byte> body);

  fs::MountHandle handle_;
  Hold hold_;
  std::atomic<std::size_t> resent_{0};
  std::mutex mutex_;
  std::set<std::uint64_t> held_;
  std::vector<std::thread> threads_;
};

}  // namespace weft::testing
