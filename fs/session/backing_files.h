// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <cstdint>
#include <memory>

namespace weft::fs {

/// The files that a FUSE connection may read by itself.
class BackingFiles {
 public:
  virtual ~BackingFiles() = default;
  /// Its id on the connection. The kernel keeps the file open from now on. errno: EPERM without
  /// CAP_SYS_ADMIN, ENOTTY before Linux 6.9, EOPNOTSUPP where passthrough was not agreed on.
  [[nodiscard]] virtual Result<std::int32_t> open(int descriptor) = 0;
  /// Opens that are held go on; no new one may name the id.
  virtual void close(std::int32_t id) = 0;
};

/// By ioctl(2) on a /dev/fuse descriptor, of which it keeps a duplicate.
[[nodiscard]] std::unique_ptr<BackingFiles> make_backing_files(int channel);

}  // namespace weft::fs
