// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/export/detach.h"
#include "indexer/export/root_of.h"
#include "indexer/import/formats/disk_format.h"

#include <filesystem>
#include <stop_token>

namespace weft {

/// How far all steps together are. Each step passes over the content once.
class DetachSteps {
 public:
  DetachSteps(ByteCount size, unsigned count, const OnDetachProgress& report)
      : size_(size), total_(size.value() * count), report_(report) {}
  void at(ByteCount done) const {
    if (report_) report_(before_ + done, total_);
  }
  void next() {
    before_ += size_;
    at(ByteCount(0));
  }

 private:
  const ByteCount size_;
  const ByteCount total_;
  const OnDetachProgress& report_;
  ByteCount before_;
};

/// The proof of a detached file: its content is dropped from the page cache, read back from the
/// disk through `path`, and hashed. Errc::digest_mismatch: it has another size or root than
/// `expected`.
[[nodiscard]] Result<HashedContent> read_back(FileSystem& fs, int descriptor,
                                              const std::filesystem::path& path, DiskFormat format,
                                              const ImageInfo& expected, const DetachSteps& steps,
                                              const std::stop_token& stop);

}  // namespace weft
