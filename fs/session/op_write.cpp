// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"
#include "fs/read/reply.h"
#include "fs/session/operations.h"

#include <span>

#include <fcntl.h>

namespace weft::fs {

void op_write(fuse_req_t request, fuse_ino_t node, const char* bytes, size_t size, off_t offset,
              fuse_file_info* file) {
  Reply reply(request);
  const ServedImage& served = served_by(request);
  if (node != served.image_node()) return std::move(reply).error(EISDIR);
  if (!served.disk) return std::move(reply).error(EROFS);
  if (offset < 0) return std::move(reply).error(EINVAL);
  // The kernel passes on what the file was opened with and what this one write asks for
  // (RWF_DSYNC), and leaves it to us where the page cache is not used.
  const bool durable = file != nullptr && (file->flags & O_DSYNC) != 0;
  try {
    served.reads.write(std::move(reply), ByteOffset(static_cast<std::uint64_t>(offset)),
                       std::as_bytes(std::span(bytes, size)), durable);
  } catch (...) {
    log_exception("write", std::current_exception());
  }
}

}  // namespace weft::fs
