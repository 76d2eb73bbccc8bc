// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/move_out.h"

#include "indexer/export/detach_target.h"
#include "indexer/export/read_back.h"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weft {
namespace {

std::string path_of(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

/// Descriptor of the pack.
Result<int> make_whole(LocalImage& image, const DetachSteps& steps, const std::stop_token& stop) {
  const ByteCount size = image.info().size;
  for (BlockRange rest{BlockIndex(0), blocks_for(size)}; !rest.empty();) {
    if (stop.stop_requested()) return fail(Errc::cancelled, Operation::write);
    WEFT_TRY(rest, image.make_whole(rest));
    steps.at(size - bytes_of(rest.count));
  }
  WEFT_CHECK(image.flush());
  const int pack = image.whole_pack();
  if (pack < 0) {
    return fail(Errc::not_resident, Operation::verify, "blocks were lost meanwhile; try again");
  }
  if (::fdatasync(pack) != 0) return fail_errno(errno, Operation::sync);
  return pack;
}

Result<void> link_to(int pack, const std::filesystem::path& target) {
  const std::string from = path_of(pack);
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  const int problem = errno;
  const char* const hint =
      problem == EXDEV ? ": on another file system than the store; without --move it is copied"
                       : "";
  return fail_errno(problem, Operation::rename, target.string() + hint);
}

}  // namespace

Result<Detached> move_out(Store& store, std::shared_ptr<LocalImage> image, FileSystem& fs,
                          const DetachOptions& options, const OnDetachProgress& progress,
                          const std::stop_token& stop) {
  if (options.format != DetachFormat::raw || options.replace) {
    return fail(Errc::bad_request, Operation::write,
                "--move makes a raw file under a name that is not taken");
  }
  WEFT_CHECK(check_target(options));
  DetachSteps steps(image->info().size, 2, progress);
  WEFT_TRY(const int pack, make_whole(*image, steps, stop));
  steps.next();
  WEFT_TRY(const HashedContent found,
           read_back(fs, pack, path_of(pack), DiskFormat::raw, image->info(), steps, stop));
  WEFT_CHECK(link_to(pack, options.target));
  auto done = fs.sync_directory(options.target.parent_path());
  if (done) done = store.give_up(std::move(image));
  if (done) return Detached{.root = found.root, .hashed = found.hashed, .moved = true};
  static_cast<void>(fs.remove(options.target));
  return std::unexpected(std::move(done).error());
}

}  // namespace weft
