// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/guest.h"

#include <array>
#include <sstream>
#include <stdexcept>

namespace weft::testing {

std::filesystem::path boot_image() {
  auto made = run({std::string(WEFT_SOURCE_DIR) + "/tools/make-image"}, std::chrono::minutes(10));
  if (!made.status.ok()) throw std::runtime_error(made.err);
  while (made.out.ends_with('\n'))
    made.out.pop_back();
  return made.out;
}

Guest::Guest(const std::filesystem::path& disk, const std::string& drive)
    : qemu_({"qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-display", "none", "-monitor",
             "none", "-serial", "stdio", "-no-reboot", "-nic", "none", "-drive",
             "file=" + disk.string() + ",format=raw,if=virtio," + drive}) {}

bool Guest::wait_for(std::string_view text, std::chrono::milliseconds timeout) {
  return qemu_.wait_for_output(text, timeout);
}

bool Guest::wait_until_ready(std::chrono::milliseconds timeout) {
  return wait_for(ready_marker, timeout);
}

bool Guest::ready() const {
  return qemu_.out().find(ready_marker) != std::string::npos;
}

std::string Guest::disk_errors() const {
  constexpr std::array signs{"I/O error", "EXT4-fs error", "EXT4-fs warning",
                             "Read-only file system", "blk_update_request"};
  std::istringstream lines(qemu_.out());
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    for (const auto* sign : signs) {
      if (line.find(sign) != std::string::npos) {
        found += line + "\n";
        break;
      }
    }
  }
  return found;
}

}  // namespace weft::testing
