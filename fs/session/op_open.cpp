// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

#include <fcntl.h>
#include <sys/uio.h>

namespace weft::fs {
namespace {

Result<fuse_file_info> open(const ServedImage& served, fuse_ino_t node, fuse_file_info file) {
  if (node != served.image_node()) return fail_errno(EISDIR, Operation::open);
  const bool changes = (file.flags & O_ACCMODE) != O_RDONLY || (file.flags & O_TRUNC) != 0;
  if (changes && !served.disk) return fail_errno(EROFS, Operation::open);
  // A disk keeps its size.
  if ((file.flags & O_TRUNC) != 0) return fail_errno(EPERM, Operation::open);
  // Handles carry no state: a successor of this worker serves files that are open already.
  file.fh = 0;
  // O_DIRECT must be answered with direct I/O: an open without it counts as cached, and would
  // forbid passthrough for as long as the file stays open.
  file.direct_io = (file.flags & O_DIRECT) != 0 ? 1 : 0;
  // For direct opens too: the kernel would drop the cached pages otherwise, and wait, unkillable,
  // for those that a cached reader's fetch keeps locked.
  file.keep_cache = 1;
  return file;
}

/// Writers of a direct file do not wait for each other; libfuse has no name for that.
void reply_open(fuse_req_t request, const ServedImage& served, const fuse_file_info& opened) {
  if (!served.disk || opened.direct_io == 0) {
    fuse_reply_open(request, &opened);
    return;
  }
  abi::OpenOut out{
      .fh = opened.fh,
      .open_flags = abi::open_direct_io | abi::open_keep_cache | abi::open_parallel_direct_writes,
      .backing_id = 0};
  const iovec part{.iov_base = &out, .iov_len = sizeof out};
  fuse_reply_iov(request, &part, 1);
}

}  // namespace

void op_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  answer(
      request, "open", [&] { return open(served_by(request), node, *file); },
      [&](const fuse_file_info& opened) { reply_open(request, served_by(request), opened); });
}

}  // namespace weft::fs
