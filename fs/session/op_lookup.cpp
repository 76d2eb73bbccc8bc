// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

namespace weft::fs {
namespace {

Result<fuse_entry_param> lookup(const ServedImage& served, fuse_ino_t parent,
                                std::string_view name) {
  if (served.kind == TargetKind::file || parent != abi::root_node) {
    return fail_errno(ENOTDIR, Operation::serve);
  }
  fuse_entry_param entry{};
  entry.entry_timeout = entry_lifetime;
  // Node 0 with a lifetime: the kernel remembers that there is no such name.
  if (name != served.file_name) return entry;
  entry.ino = served.image_node();
  entry.attr = attributes_of(served, entry.ino);
  entry.attr_timeout = attribute_lifetime(served);
  return entry;
}

}  // namespace

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(
      request, "lookup", [&] { return lookup(served_by(request), parent, name); },
      [&](const fuse_entry_param& entry) { fuse_reply_entry(request, &entry); });
}

}  // namespace weft::fs
