// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"
#include "fs/read/reply.h"
#include "fs/session/operations.h"

#include <fcntl.h>
#include <linux/falloc.h>

namespace weft::fs {
namespace {

/// Discard is FALLOC_FL_PUNCH_HOLE, write-zeroes FALLOC_FL_ZERO_RANGE or, if it may unmap, the
/// former. Both leave zeros that take no space. Space is never reserved.
bool is_known(int mode) {
  return mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ||
         (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
}

}  // namespace

void op_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
                  fuse_file_info* file) {
  Reply reply(request);
  const ServedImage& served = served_by(request);
  if (node != served.image_node()) return std::move(reply).error(EISDIR);
  if (!served.disk) return std::move(reply).error(EROFS);
  if (!is_known(mode)) return std::move(reply).error(EOPNOTSUPP);
  if (offset < 0 || length <= 0) return std::move(reply).error(EINVAL);
  const auto size = static_cast<std::int64_t>(served.disk->size().value());
  const bool grows = (mode & FALLOC_FL_KEEP_SIZE) == 0 && length > size - offset;
  if (grows) return std::move(reply).error(ENOSPC);
  const bool durable = file != nullptr && (file->flags & O_DSYNC) != 0;
  try {
    served.reads.zero(std::move(reply), ByteOffset(static_cast<std::uint64_t>(offset)),
                      ByteCount(static_cast<std::uint64_t>(length)), durable);
  } catch (...) {
    log_exception("fallocate", std::current_exception());
  }
}

}  // namespace weft::fs
