// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/fs/subprocess.h"

#include <chrono>
#include <filesystem>
#include <string>

namespace weft::testing {

/// A bootable Debian image as tools/make-image builds it, built at the first call and kept. Throws
/// std::runtime_error with the tool's words if it cannot be built.
[[nodiscard]] std::filesystem::path boot_image();

/// A QEMU guest (TCG: works everywhere). Its serial console is captured; it prints `ready_marker`
/// when its boot is done. The destructor ends it.
class Guest {
 public:
  /// `drive`: options of QEMU's -drive. Without others the disk is not written to.
  explicit Guest(const std::filesystem::path& disk,
                 const std::string& drive = "snapshot=on,cache=none");

  /// False after `timeout`, or when the guest ended without it.
  [[nodiscard]] bool wait_until_ready(std::chrono::milliseconds timeout);
  /// Waits until the console shows `text`.
  [[nodiscard]] bool wait_for(std::string_view text, std::chrono::milliseconds timeout);
  [[nodiscard]] bool ready() const;
  [[nodiscard]] bool running() { return qemu_.running(); }
  /// Lines of the console that tell of a broken disk; empty if none.
  [[nodiscard]] std::string disk_errors() const;
  [[nodiscard]] const std::string& console() const { return qemu_.out(); }

  static constexpr std::string_view ready_marker = "WEFT-GUEST-READY";
  /// More than the slowest boot seen under a sanitizer takes.
  static constexpr std::chrono::seconds patience{240};

 private:
  Subprocess qemu_;
};

}  // namespace weft::testing
