// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

namespace weft::fs {
namespace {

struct Attributes {
  struct stat values;
  double lifetime;
};

Result<Attributes> getattr(const ServedImage& served, fuse_ino_t node) {
  if (!served.has_node(node)) return fail_errno(ENOENT, Operation::serve);
  return Attributes{attributes_of(served, node), attribute_lifetime(served)};
}

}  // namespace

void op_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* /*file*/) {
  answer(
      request, "getattr", [&] { return getattr(served_by(request), node); },
      [&](const Attributes& a) { fuse_reply_attr(request, &a.values, a.lifetime); });
}

}  // namespace weft::fs
