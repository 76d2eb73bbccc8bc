// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

namespace weft::fs {
namespace {

template <class... Args>
void refuse(fuse_req_t request, Args... /*ignored*/) {
  fuse_reply_err(request, EROFS);
}

}  // namespace

void refuse_changes(fuse_lowlevel_ops& operations) {
  operations.mknod = refuse;
  operations.mkdir = refuse;
  operations.unlink = refuse;
  operations.rmdir = refuse;
  operations.symlink = refuse;
  operations.rename = refuse;
  operations.link = refuse;
  operations.create = refuse;
}

}  // namespace weft::fs
