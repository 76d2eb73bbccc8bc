// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"
#include "indexer/core/range.h"

#include <algorithm>

#include <unistd.h>

namespace weft::fs {
namespace {

/// Blocks the tree known here proves to be zero are holes; what is not known is data.
Result<off_t> seek(const ServedImage& served, fuse_ino_t node, off_t offset, int whence) {
  if (node != served.image_node()) return fail_errno(EISDIR, Operation::serve);
  if (whence != SEEK_DATA && whence != SEEK_HOLE) return fail_errno(EINVAL, Operation::serve);
  const ByteCount size = served.image->info().size;
  const auto from = static_cast<std::uint64_t>(offset);
  if (offset < 0 || from >= size.value()) return fail_errno(ENXIO, Operation::serve);

  const BlockIndex first = block_of(ByteOffset(from));
  const BlockIndex end{blocks_for(size).value()};
  const auto position_of = [&](BlockIndex block) {
    const std::uint64_t at = std::max(from, offset_of(block).value());
    return static_cast<off_t>(std::min(at, size.value()));
  };
  BlockIndex next = first;
  while (const auto data = next_data(served, BlockRange::between(next, end))) {
    if (whence == SEEK_DATA) return position_of(data->first);
    if (data->first > next) break;  // `next` is a hole
    next = data->end();             // runs of data may be reported in pieces
  }
  if (whence == SEEK_DATA) return fail_errno(ENXIO, Operation::serve);
  return position_of(next);
}

}  // namespace

void op_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence,
              fuse_file_info* /*file*/) {
  answer(
      request, "lseek", [&] { return seek(served_by(request), node, offset, whence); },
      [&](off_t position) { fuse_reply_lseek(request, position); });
}

}  // namespace weft::fs
