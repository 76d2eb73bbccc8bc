// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

namespace weft::fs {
namespace {

constexpr int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME |
                      FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;

/// A disk keeps its size, owner and mode. It has no times: setting them does nothing, so that
/// programs which do so by habit go on.
Result<struct stat> setattr(const ServedImage& served, fuse_ino_t node,
                            const struct stat& attributes, int which) {
  if (!served.disk) return fail_errno(EROFS, Operation::serve);
  if (node != served.image_node()) return fail_errno(EPERM, Operation::serve);
  struct stat now = attributes_of(served, node);
  if ((which & FUSE_SET_ATTR_SIZE) != 0 && attributes.st_size != now.st_size) {
    return fail_errno(EPERM, Operation::serve);
  }
  if ((which & ~(FUSE_SET_ATTR_SIZE | times)) != 0) return fail_errno(EPERM, Operation::serve);
  return now;
}

}  // namespace

void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attributes, int which,
                fuse_file_info* /*file*/) {
  answer(
      request, "setattr", [&] { return setattr(served_by(request), node, *attributes, which); },
      [&](const struct stat& now) {
        fuse_reply_attr(request, &now, attribute_lifetime(served_by(request)));
      });
}

}  // namespace weft::fs
