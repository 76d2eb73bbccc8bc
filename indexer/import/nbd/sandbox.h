// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"

#include <filesystem>
#include <span>

namespace weft {

/// What a program that parses strangers' images may do to the host, by Linux's Landlock: read the
/// given files and what programs consist of (libraries, modules); write, create and remove
/// nothing; connect nowhere by TCP.
///
/// The second line of defence, behind stating every file to QEMU: it holds even for an image
/// edited between weft's look at its header and QEMU's. Where the kernel has no Landlock (before
/// 5.13, or switched off) there is only the first line and the check that no file changed.
class Sandbox {
 public:
  /// For `program` (absolute) and open `files`.
  [[nodiscard]] static Sandbox reading(const std::filesystem::path& program,
                                       std::span<const int> files);

  /// Confines the calling process for good. Between fork and exec: makes system calls only. False:
  /// the kernel refused.
  [[nodiscard]] bool enter() const noexcept;

 private:
  explicit Sandbox(UniqueFd rules) : rules_(std::move(rules)) {}
  UniqueFd rules_;  // none: no Landlock here
};

}  // namespace weft
