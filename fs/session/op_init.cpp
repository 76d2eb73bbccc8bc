// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"
#include "fs/session/session_limits.h"

namespace weft::fs {

void op_init(void* /*session*/, fuse_conn_info* connection) {
  const auto want_if_capable = [&](unsigned flag) {
    if ((connection->capable & flag) != 0) connection->want |= flag;
  };
  want_if_capable(FUSE_CAP_ASYNC_READ);
  want_if_capable(FUSE_CAP_ASYNC_DIO);
  want_if_capable(FUSE_CAP_PARALLEL_DIROPS);
  // Splice loses at every request size. The content never changes, so cached pages never have to
  // be given up. Writeback would forbid passthrough and there is nothing to write back.
  connection->want &=
      ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                             FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE |
                             FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
  connection->max_background = max_background;
  connection->congestion_threshold = max_background;
  // libfuse derives the kernel's limit of pages in one request, also for reads, from it.
  connection->max_write = max_request;
}

}  // namespace weft::fs
