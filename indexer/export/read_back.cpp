// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/read_back.h"

#include "indexer/import/open_source.h"

#include <fcntl.h>

namespace weft {

Result<HashedContent> read_back(FileSystem& fs, int descriptor, const std::filesystem::path& path,
                                DiskFormat format, const ImageInfo& expected,
                                const DetachSteps& steps, const std::stop_token& stop) {
  static_cast<void>(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED));
  WEFT_TRY(const auto opened,
           open_source(fs, path, {.format = format, .allow_backing = {}, .stop = stop}));
  if (opened.source->size() != expected.size) {
    return fail(Errc::digest_mismatch, Operation::verify,
                opened.path.string() + ": has not the image's size");
  }
  WEFT_TRY(const HashedContent found,
           root_of(*opened.source, [&](ByteCount done) { steps.at(done); }, stop));
  if (found.root == expected.root) return found;
  return fail(
      Errc::digest_mismatch, Operation::verify,
      opened.path.string() + ": the disk gives back other bytes than were written: it is failing");
}

}  // namespace weft
