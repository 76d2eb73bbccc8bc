// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

#include <string>

namespace weft::fs {
namespace {

struct Entry {
  const char* name;
  std::uint64_t node;
  mode_t type;
};

Result<std::string> readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset) {
  const ServedImage& served = served_by(request);
  if (served.kind == TargetKind::file || node != abi::root_node) {
    return fail_errno(ENOTDIR, Operation::serve);
  }
  const Entry entries[] = {{".", abi::root_node, S_IFDIR},
                           {"..", abi::root_node, S_IFDIR},
                           {served.file_name.c_str(), served.image_node(), S_IFREG}};
  std::string listing;
  for (off_t i = offset; i >= 0 && i < std::ssize(entries); ++i) {
    const Entry& entry = entries[i];
    struct stat attributes{};
    attributes.st_ino = entry.node;
    attributes.st_mode = entry.type;
    const size_t length = fuse_add_direntry(request, nullptr, 0, entry.name, nullptr, 0);
    if (listing.size() + length > size) break;
    const size_t at = listing.size();
    listing.resize(at + length);
    fuse_add_direntry(request, listing.data() + at, length, entry.name, &attributes, i + 1);
  }
  return listing;
}

}  // namespace

void op_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                fuse_file_info* /*file*/) {
  answer(
      request, "readdir", [&] { return readdir(request, node, size, offset); },
      [&](const std::string& listing) { fuse_reply_buf(request, listing.data(), listing.size()); });
}

}  // namespace weft::fs
