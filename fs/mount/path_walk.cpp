// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/path_walk.h"

#include "fs/mount/mount_table.h"
#include "fs/mount/probe.h"

#include <climits>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace weft::fs {
namespace {

constexpr int max_symlinks = 40;  // as the kernel

class Walk {
 public:
  Walk(const MountTable& table, Duration probe_deadline)
      : table_(table), probe_deadline_(probe_deadline) {}

  void push(std::string_view path) {
    std::deque<std::string> parts;
    while (!path.empty()) {
      const std::size_t slash = path.find('/');
      if (const auto part = path.substr(0, slash); !part.empty() && part != ".") {
        parts.emplace_back(part);
      }
      path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    pending_.insert(pending_.begin(), std::make_move_iterator(parts.begin()),
                    std::make_move_iterator(parts.end()));
  }

  Result<WalkedPath> run() {
    while (!pending_.empty()) {
      const std::string part = std::exchange(pending_.front(), {});
      pending_.pop_front();
      if (part == "..") {
        current_.resize(current_.empty() ? 0 : current_.rfind('/'));
        continue;
      }
      const std::string next = current_ + "/" + part;
      if (pending_.empty() && table_.at(next) != nullptr) return WalkedPath{next};
      WEFT_CHECK(check_mount(next));
      WEFT_TRY(const bool exists, enter(next));
      if (!exists) return WalkedPath{.path = next, .exists = false};
    }
    return WalkedPath{current_.empty() ? "/" : current_};
  }

 private:
  Result<void> check_mount(const std::string& next) {
    const MountEntry* mount = table_.at(next);
    if (mount == nullptr || !mount->may_hang()) return {};
    if (mount->is_weft()) {
      return fail(Errc::bad_target, Operation::mount,
                  next + " is itself a weft mount; choose a target outside");
    }
    switch (probe(next, probe_deadline_)) {
      case Liveness::answers:
        return {};
      case Liveness::dead:
        return fail(Errc::bad_target, Operation::mount,
                    next + ": the " + mount->type + " mount there is dead; unmount it");
      case Liveness::hung:
        break;
    }
    return fail(Errc::deadline_passed, Operation::mount,
                next + ": the " + mount->type + " mount there does not answer");
  }

  /// Makes `next` the current directory, or expands it if it is a symlink. False: it is the last
  /// component and does not exist.
  Result<bool> enter(const std::string& next) {
    struct stat info{};
    if (::lstat(next.c_str(), &info) != 0) {
      if (errno == ENOENT && pending_.empty()) return false;
      return walk_error(errno, next);
    }
    if (S_ISLNK(info.st_mode)) {
      WEFT_CHECK(expand(next));
      return true;
    }
    if (!pending_.empty() && !S_ISDIR(info.st_mode)) return walk_error(ENOTDIR, next);
    current_ = next;
    return true;
  }

  Result<void> expand(const std::string& link) {
    if (++links_ > max_symlinks) return walk_error(ELOOP, link);
    std::array<char, PATH_MAX> buffer;
    const ssize_t n = ::readlink(link.c_str(), buffer.data(), buffer.size());
    if (n < 0) return walk_error(errno, link);
    const std::string_view to(buffer.data(), static_cast<std::size_t>(n));
    if (to.starts_with('/')) current_.clear();
    push(to);
    return {};
  }

  const MountTable& table_;
  const Duration probe_deadline_;
  std::deque<std::string> pending_;
  std::string current_;  ///< resolved so far; empty = "/"
  int links_ = 0;
};

}  // namespace

std::unexpected<Error> walk_error(int error_number, const std::string& path) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return fail(Errc::bad_target, Operation::mount, path + ": " + std::strerror(error_number));
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(Errc::not_permitted, Operation::mount, path + ": " + std::strerror(error_number));
    default:
      return fail_errno(error_number, Operation::mount, path);
  }
}

Result<WalkedPath> walk_path(std::string_view path, Duration probe_deadline) {
  if (path.empty() || path.size() >= PATH_MAX || path.contains('\0')) {
    return fail(Errc::bad_target, Operation::mount, "empty or longer than a path may be");
  }
  WEFT_TRY(const MountTable table, MountTable::read());
  Walk walk(table, probe_deadline);
  walk.push(path);
  if (!path.starts_with('/')) {
    std::array<char, PATH_MAX> buffer;
    if (::getcwd(buffer.data(), buffer.size()) == nullptr) return walk_error(errno, ".");
    walk.push(buffer.data());
  }
  return walk.run();
}

}  // namespace weft::fs
