// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/mount_sandbox.h"

#include "fs/mount/mount_table.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <vector>

#include <sys/mount.h>
#include <unistd.h>

namespace weft::testing {
namespace {

void detach_all_below(const std::string& path) {
  const auto table = fs::MountTable::read();
  if (!table) return;
  const auto& entries = table->entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (fs::is_within(entry->point, path)) {
      ::umount2(entry->point.c_str(), MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
    }
  }
}

}  // namespace

std::string why_no_fuse() {
  if (::geteuid() != 0) return "not root";
  return ::access("/dev/fuse", R_OK | W_OK) == 0 ? "" : "no /dev/fuse";
}

MountSandbox::MountSandbox() {
  std::string pattern = "/tmp/weft-mounts-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), pattern);
  }
  path_ = pattern;
}

MountSandbox::~MountSandbox() {
  detach_all_below(path_.string());
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string MountSandbox::directory(std::string_view name) const {
  const auto path = path_ / name;
  std::filesystem::create_directories(path);
  return path.string();
}

std::string MountSandbox::file(std::string_view name, std::string_view content) const {
  const auto path = path_ / name;
  std::ofstream(path, std::ios::binary) << content;
  return path.string();
}

}  // namespace weft::testing
