// SPDX-License-Identifier: Apache-2.0
#include "fs/session/channel.h"
#include "fs/session/image_opens.h"
#include "fs/session/operations.h"

#include <fcntl.h>
#include <sys/uio.h>

namespace weft::fs {
namespace {

Result<abi::OpenOut> open(const ServedImage& served, fuse_ino_t node, const fuse_file_info& file) {
  if (node != served.image_node()) return fail_errno(EISDIR, Operation::open);
  const bool changes = (file.flags & O_ACCMODE) != O_RDONLY || (file.flags & O_TRUNC) != 0;
  if (changes && !served.disk) return fail_errno(EROFS, Operation::open);
  // A disk keeps its size.
  if ((file.flags & O_TRUNC) != 0) return fail_errno(EPERM, Operation::open);
  abi::OpenOut out = served.opens.open(ChannelScope::request(), (file.flags & O_DIRECT) != 0);
  if (served.disk && (out.open_flags & abi::open_direct_io) != 0) {
    out.open_flags |= abi::open_parallel_direct_writes;
  }
  return out;
}

/// libfuse 3.14 has no field for a backing file, so the reply is written as the kernel reads it.
void reply(fuse_req_t request, const ServedImage& served, abi::OpenOut out) {
  const iovec part{&out, sizeof out};
  // The opener was killed meanwhile, and nobody will release the file.
  if (fuse_reply_iov(request, &part, 1) == -ENOENT) served.opens.release(out.fh);
}

}  // namespace

void op_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  // The reply may end the request, and with it the way to what is served.
  const ServedImage& served = served_by(request);
  answer(
      request, "open", [&] { return open(served, node, *file); },
      [&](const abi::OpenOut& out) { reply(request, served, out); });
}

}  // namespace weft::fs
