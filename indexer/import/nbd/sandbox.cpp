// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/sandbox.h"

#include <array>
#include <cstdint>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr std::uint64_t read_file = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t use_program =
    read_file | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
// All rights of the first version: what is handled and not granted is refused.
constexpr std::uint64_t every_file_right = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t every_tcp_right = 3;
constexpr long first_version_with_tcp = 4;

// The kernel's struct in its fourth version, which is newer than Debian 12's headers.
struct Rules {
  std::uint64_t files;
  std::uint64_t tcp;
};

// Where programs, their libraries and QEMU's modules are.
constexpr std::array program_places{"/usr",
                                    "/lib",
                                    "/lib64",
                                    "/bin",
                                    "/opt",
                                    "/nix/store",
                                    "/gnu/store",
                                    "/etc/ld.so.cache",
                                    "/etc/ld.so.preload",
                                    "/dev/urandom"};

void allow(int rules, int place, std::uint64_t rights) {
  landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = place};
  // Files in memory have no place and need no rule. Whatever else cannot be allowed stays
  // forbidden, and the program says so.
  static_cast<void>(::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

void allow(int rules, const char* path, std::uint64_t file_rights) {
  const UniqueFd directory(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory) return allow(rules, directory.get(), use_program);
  const UniqueFd file(::open(path, O_PATH | O_CLOEXEC));
  if (file) allow(rules, file.get(), file_rights);
}

}  // namespace

Sandbox Sandbox::reading(const std::filesystem::path& program, std::span<const int> files) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return Sandbox(UniqueFd());
  const Rules handled{.files = every_file_right, .tcp = every_tcp_right};
  const std::size_t size = version < first_version_with_tcp ? sizeof handled.files : sizeof handled;
  UniqueFd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
  if (!rules) return Sandbox(UniqueFd());
  for (const char* place : program_places)
    allow(rules.get(), place, read_file);
  // QEMU finds out with it which kinds of locks there are.
  allow(rules.get(), "/dev/null", read_file | LANDLOCK_ACCESS_FS_WRITE_FILE);
  allow(rules.get(), program.parent_path().c_str(), read_file);
  for (const int file : files)
    allow(rules.get(), file, read_file);
  // Numbers up to 3 have a meaning for the program.
  return Sandbox(UniqueFd(::fcntl(rules.get(), F_DUPFD_CLOEXEC, 4)));
}

bool Sandbox::enter() const noexcept {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return !rules_ || ::syscall(SYS_landlock_restrict_self, rules_.get(), 0) == 0;
}

}  // namespace weft
