// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"
#include "fs/session/operations.h"

namespace weft::fs {
namespace {

Result<int> fsync(const ServedImage& served, fuse_ino_t node) {
  if (node != served.image_node()) return fail_errno(EISDIR, Operation::sync);
  WEFT_CHECK(served.reads.flush());
  return 0;
}

}  // namespace

// On the channel's thread: the kernel sends one at a time for a file, and another channel goes on.
void op_fsync(fuse_req_t request, fuse_ino_t node, int /*data_only*/, fuse_file_info* /*file*/) {
  answer(
      request, "fsync", [&] { return fsync(served_by(request), node); },
      [&](int done) { fuse_reply_err(request, done); });
}

}  // namespace weft::fs
