// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"
#include "fs/read/reply.h"
#include "fs/session/operations.h"

namespace weft::fs {

void op_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
             fuse_file_info* /*file*/) {
  Reply reply(request);
  const ServedImage& served = served_by(request);
  if (node != served.image_node()) return std::move(reply).error(EISDIR);
  if (offset < 0) return std::move(reply).error(EINVAL);
  try {
    // Answers later, from another thread, if a block is missing. Thrown out of here, the reply is
    // EIO by its destructor.
    served.reads.read(std::move(reply), ByteOffset(static_cast<std::uint64_t>(offset)), size);
  } catch (...) {
    log_exception("read", std::current_exception());
  }
}

}  // namespace weft::fs
