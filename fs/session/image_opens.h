// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/session/backing_files.h"
#include "fs/session/fuse_abi.h"
#include "fs/session/open_table.h"
#include "fs/session/passthrough_policy.h"
#include "indexer/core/mutex.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::fs {

/// What a mount reports about its opens.
struct OpensStatus {
  OpenCounts counts;
  /// What keeps the next open from passthrough; empty: nothing.
  std::string obstacle;
  bool pack_is_whole = false;
  /// "passthrough", "cached", "direct", or "-" if nothing is open. Of several modes the one that
  /// rules: cached before direct.
  [[nodiscard]] std::string_view mode() const noexcept;
};

/// Decides how each open of a mount's image is served, and counts the opens that are held.
///
/// The kernel's rules, per file: cached and passthrough exclude each other; while passthrough is
/// held every open must be passthrough, with the same backing file; direct goes with both, if it
/// came first. An answer against them fails the open with EIO. So an O_DIRECT opener gets direct
/// I/O and another the cached mode, until the pack is the image byte by byte
/// (`LocalImage::whole_pack`) and no cached open is held: from then on all get passthrough, also
/// from a successor that has not compared the pack yet, as long as one is held. If a block of the
/// pack is lost after that, opens are direct or cached again, and fail for as long as somebody
/// holds one in passthrough: an error rather than bytes that are known to be wrong.
///
/// Without memory for the table, without the kernel's offer, or without CAP_SYS_ADMIN there is no
/// passthrough. Thread-safe; never waits but for its own lock and the kernel.
class ImageOpens {
 public:
  struct Parts {
    std::shared_ptr<LocalImage> image;
    PassthroughPolicy policy = PassthroughPolicy::automatic;
    bool offered = false;  ///< by the kernel: `offers_passthrough`
    std::optional<OpenTable> table;
    std::unique_ptr<BackingFiles> backing;
  };
  explicit ImageOpens(Parts parts);

  /// `request`: the kernel's number of the OPEN, with abi::resent if it is sent again.
  [[nodiscard]] abi::OpenOut open(std::uint64_t request, bool direct) WEFT_EXCLUDES(mutex_);
  void release(std::uint64_t handle) WEFT_EXCLUDES(mutex_);

  /// While true no open becomes passthrough, unless one is held: for whoever has to see the reads.
  void hold_off(bool hold) WEFT_EXCLUDES(mutex_);

  /// Passthrough waits for nothing but the image: bring it into its pack (`make_whole`).
  [[nodiscard]] bool wants_whole_pack() const WEFT_EXCLUDES(mutex_);
  [[nodiscard]] OpensStatus status() const WEFT_EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::string_view standing_obstacle() const WEFT_REQUIRES(mutex_);
  [[nodiscard]] bool may_pass(const OpenCounts& held) const WEFT_REQUIRES(mutex_);
  [[nodiscard]] std::optional<std::uint64_t> enter(std::uint64_t request, IoMode mode)
      WEFT_REQUIRES(mutex_);
  [[nodiscard]] bool vouched_for(const OpenCounts& held) const;
  [[nodiscard]] std::int32_t backing_id(const OpenCounts& held) WEFT_REQUIRES(mutex_);

  // Constant after construction.
  const std::shared_ptr<LocalImage> image_;
  const PassthroughPolicy policy_;
  const bool offered_;
  const std::unique_ptr<BackingFiles> backing_;

  mutable Mutex mutex_;
  std::optional<OpenTable> table_ WEFT_GUARDED_BY(mutex_);
  bool held_off_ WEFT_GUARDED_BY(mutex_) = false;
  std::string refused_ WEFT_GUARDED_BY(mutex_);  ///< why the kernel took no backing file
};

/// Whether the kernel that sent this INIT request can pass reads through.
[[nodiscard]] bool offers_passthrough(std::span<const std::byte> init_request) noexcept;

}  // namespace weft::fs
