// SPDX-License-Identifier: Apache-2.0
#include "fs/session/image_opens.h"
#include "fs/session/operations.h"

namespace weft::fs {

void op_release(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* file) {
  answer(
      request, "release",
      [&]() -> Result<int> {
        served_by(request).opens.release(file->fh);
        return 0;
      },
      [&](int done) { fuse_reply_err(request, done); });
}

}  // namespace weft::fs
