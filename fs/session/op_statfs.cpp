// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

#include <sys/statvfs.h>

namespace weft::fs {
namespace {

Result<struct statvfs> statfs(const ServedImage& served) {
  struct statvfs values{};
  values.f_bsize = block_size;
  values.f_frsize = block_size;
  values.f_blocks = blocks_for(served.image->info().size).value();
  values.f_files = 1;
  values.f_namemax = 255;
  values.f_flag = served.disk ? 0 : ST_RDONLY;
  return values;  // nothing is free: nothing can be added
}

}  // namespace

void op_statfs(fuse_req_t request, fuse_ino_t /*node*/) {
  answer(
      request, "statfs", [&] { return statfs(served_by(request)); },
      [&](const struct statvfs& values) { fuse_reply_statfs(request, &values); });
}

}  // namespace weft::fs
