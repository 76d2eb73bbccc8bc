// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/source_file.h"

#include <string>
#include <system_error>
#include <utility>

namespace weft {

Result<SourceFile> open_source_file(FileSystem& fs, const std::filesystem::path& path) {
  std::error_code ignored;  // a path that cannot be resolved cannot be opened either
  std::filesystem::path absolute = std::filesystem::weakly_canonical(path, ignored);
  if (absolute.empty()) absolute = path;
  auto file = fs.open(absolute, OpenMode::read);
  if (!file) {
    Error error = std::move(file).error();
    error.operation = Operation::import;
    error.detail = absolute.string();
    if (error.is(std::errc::no_such_device_or_address)) {  // what opening a socket gives
      error.code = Errc::not_an_image;
    }
    return std::unexpected(std::move(error));
  }
  WEFT_TRY(const FileStat stat, (*file)->stat());
  const std::string name = absolute.string();
  if (stat.is_directory) {
    return fail(Errc::not_an_image, Operation::import, name + ": it is a directory");
  }
  if (!stat.is_regular) {
    return fail(Errc::not_an_image, Operation::import,
                name + ": it is a device, pipe or socket: copy its content to a file first");
  }
  return SourceFile{std::move(absolute), std::move(*file), stat};
}

Result<void> check_unchanged(FileSystem& fs, const SourceFile& source) {
  WEFT_TRY(const auto now, fs.open(source.path, OpenMode::read));
  WEFT_TRY(const FileStat after, now->stat());
  const FileStat& before = source.stat;
  if (after.size == before.size && after.mtime_ns == before.mtime_ns &&
      after.ctime_ns == before.ctime_ns && after.inode == before.inode &&
      after.device == before.device) {
    return {};
  }
  return fail(Errc::source_changed, Operation::import,
              source.path.string() + ": stop what writes to it and import it again");
}

}  // namespace weft
