// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/new_file.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr int most_names = 100;

std::filesystem::path name_beside(const std::filesystem::path& target) {
  static std::atomic<unsigned> number{0};
  return target.parent_path() / ("." + target.filename().string() + ".weft-" +
                                 std::to_string(::getpid()) + "-" + std::to_string(++number));
}

/// Not `FileSystem::rename`, which replaces.
Result<void> rename_to_nothing(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  const int problem = errno;
  if (problem != EINVAL && problem != ENOSYS) {
    return fail_errno(problem, Operation::rename, to.string());
  }
  // A file system without it has hard links, or not: then nothing is safe.
  if (::link(from.c_str(), to.c_str()) != 0)
    return fail_errno(errno, Operation::rename, to.string());
  ::unlink(from.c_str());
  return {};
}

}  // namespace

NewFile::NewFile(FileSystem& fs, std::filesystem::path target, std::filesystem::path path,
                 std::unique_ptr<File> file)
    : fs_(fs), target_(std::move(target)), path_(std::move(path)), file_(std::move(file)) {}

Result<NewFile> NewFile::make(FileSystem& fs, const std::filesystem::path& target) {
  for (int i = 0;; ++i) {
    auto path = name_beside(target);
    auto file = fs.open(path, OpenMode::create_exclusive);
    if (file) return NewFile(fs, target, std::move(path), std::move(*file));
    // Left behind by a process of the same number that was killed.
    if (!file.error().is(std::errc::file_exists) || i == most_names) {
      return std::unexpected(std::move(file).error());
    }
  }
}

NewFile::~NewFile() {
  if (!file_ || path_.empty()) return;
  static_cast<void>(fs_.remove(path_));
}

Result<void> NewFile::place(bool replace) {
  WEFT_CHECK(file_->sync());
  WEFT_CHECK(replace ? fs_.rename(path_, target_) : rename_to_nothing(path_, target_));
  path_.clear();
  auto durable = fs_.sync_directory(target_.parent_path());
  if (durable) return {};
  // Nothing is to be left after an error; but what was replaced is gone.
  if (replace) {
    durable.error().detail +=
        ": the new file is in place, but a power cut may bring the old one back";
  } else {
    static_cast<void>(fs_.remove(target_));
  }
  return durable;
}

}  // namespace weft
