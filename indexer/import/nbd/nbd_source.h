// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"
#include "indexer/import/block_source.h"
#include "indexer/import/image_chain.h"
#include "indexer/import/nbd/nbd_connection.h"
#include "indexer/import/nbd/qemu_nbd.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace weft {

struct NbdSourceOptions {
  std::size_t readers = 2;  ///< reads at once, at most 16; one connection each
  Duration start_timeout = std::chrono::seconds(60);
  Duration request_timeout = std::chrono::seconds(120);  ///< for one read or block status
  const Clock* clock = &steady_clock();
  std::stop_token stop{};  ///< ends opening
};

/// A disk image in any format that QEMU reads, through a private `qemu-nbd` that lives as long as
/// this object.
///
/// Errors: Errc::bad_image: QEMU does not open it, or cannot read a part of it; helper_failed:
/// `qemu-nbd` ended in the middle; deadline_passed: it does not answer; cancelled: after
/// `interrupt`. Details name the image and say what `qemu-nbd` said.
class NbdSource final : public BlockSource {
 public:
  /// Also Errc::unsupported (`qemu-nbd` is not installed), empty_image, image_too_large. `fs`
  /// outlives the source. Ends when the calling thread does: see `QemuNbd`.
  [[nodiscard]] static Result<std::unique_ptr<NbdSource>> open(FileSystem& fs, ImageChain chain,
                                                               NbdSourceOptions options);

  [[nodiscard]] ByteCount size() const override { return size_; }
  [[nodiscard]] Result<std::optional<Extent>> next_data(ByteOffset from) override;
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out) override;
  [[nodiscard]] Result<void> check_unchanged() override { return chain_.check_unchanged(fs_); }
  void interrupt() noexcept override;

  [[nodiscard]] pid_t server() const noexcept { return server_->pid(); }

 private:
  NbdSource(FileSystem& fs, ImageChain chain, BlockGraph graph, std::unique_ptr<QemuNbd> server,
            NbdSourceOptions options);

  Result<void> connect();
  Result<NbdConnection> take_reader() WEFT_EXCLUDES(mutex_);
  void give_back(NbdConnection reader) WEFT_EXCLUDES(mutex_);
  /// `error` of a connection as the user is told it.
  [[nodiscard]] Error explained(const Error& error, const std::string& doing) const;

  // Constant after opening.
  FileSystem& fs_;
  const ImageChain chain_;
  const BlockGraph graph_;
  const std::unique_ptr<QemuNbd> server_;
  const NbdSourceOptions options_;
  ByteCount size_;

  std::atomic<bool> interrupted_ = false;

  // The thread that asks for extents.
  std::optional<NbdConnection> status_connection_;
  NbdConnection::Status status_;  // the last answer

  Mutex mutex_;
  Condition changed_;
  std::vector<NbdConnection> free_ WEFT_GUARDED_BY(mutex_);
  std::size_t usable_ WEFT_GUARDED_BY(mutex_) = 0;  // free or in use
};

}  // namespace weft
