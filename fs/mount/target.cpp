// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/target.h"

#include "fs/mount/mount_table.h"
#include "fs/mount/path_walk.h"
#include "fs/mount/probe.h"
#include "fs/mount/unmount.h"

#include <climits>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <sys/stat.h>

namespace weft::fs {
namespace {

Result<void> check_place(const std::string& path, const TargetOptions& options) {
  for (const std::string& directory : options.forbidden) {
    if (is_within(path, directory)) {
      return fail(
          Errc::bad_target, Operation::mount,
          path + ": lies in " + directory + ", which weft itself needs; choose a target outside");
    }
  }
  return {};
}

/// Leaves `path` without a mount, or fails.
Result<void> clear_stale_mounts(const std::string& path, const TargetOptions& options) {
  for (;;) {
    WEFT_TRY(const MountTable table, MountTable::read());
    const MountEntry* there = table.at(path);
    if (there == nullptr) return {};
    if (!there->is_weft()) {
      return fail(Errc::already_mounted, Operation::mount,
                  path + ": carries a mount of type " + there->type +
                      "; unmount that or choose another target");
    }
    switch (probe(path, options.probe_deadline)) {
      case Liveness::answers:
        return fail(Errc::already_mounted, Operation::mount,
                    path + ": unmount it with `weft umount " + path + "` first");
      case Liveness::hung:
        // Somebody holds its connection: a daemon that is slow, stopped or about to restart its
        // worker. Taking it away could break a guest.
        return fail(Errc::already_mounted, Operation::mount,
                    path +
                        ": by a daemon that does not answer; if it should go, "
                        "`weft umount --force " +
                        path + "`");
      case Liveness::dead:
        spdlog::warn("{}: detaching the stale mount that a daemon left when it died", path);
        WEFT_CHECK(detach(*there, false));
    }
  }
}

Result<void> check_empty(const std::string& path) {
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (!directory) return walk_error(errno, path);
  while (const dirent* entry = ::readdir(directory.get())) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    return fail(Errc::bad_target, Operation::mount,
                path + ": the directory is not empty; what is in it would be hidden");
  }
  return {};
}

Result<TargetKind> kind_of(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return walk_error(errno, path);
  if (S_ISDIR(info.st_mode)) {
    WEFT_CHECK(check_empty(path));
    return TargetKind::directory;
  }
  if (S_ISREG(info.st_mode)) return TargetKind::file;
  return fail(Errc::bad_target, Operation::mount,
              path + ": neither a directory nor a regular file");
}

}  // namespace

Result<PreparedTarget> prepare_target(std::string_view path, const TargetOptions& options) {
  WEFT_TRY(const WalkedPath walked, walk_path(path, options.probe_deadline));
  PreparedTarget target{.path = walked.path};
  WEFT_CHECK(check_place(target.path, options));
  if (!walked.exists) {
    if (!options.create) {
      return fail(Errc::bad_target, Operation::mount,
                  target.path + ": does not exist; create the directory first");
    }
    if (::mkdir(target.path.c_str(), 0755) != 0 && errno != EEXIST) {
      return walk_error(errno, target.path);
    }
    target.created = true;
  }
  WEFT_CHECK(clear_stale_mounts(target.path, options));
  WEFT_TRY(target.kind, kind_of(target.path));
  return target;
}

}  // namespace weft::fs
