// SPDX-License-Identifier: Apache-2.0
#include "fs/read/loose_overlay.h"

#include <algorithm>
#include <cstring>

namespace weft::fs {
namespace {

const NodeBytes* find(std::span<const fetcher::LooseBlock> loose, BlockIndex block) {
  const auto at = std::ranges::find(loose, block, &fetcher::LooseBlock::index);
  return at == loose.end() ? nullptr : at->bytes.get();
}

}  // namespace

Result<void> read_with_loose(LocalImage& image, std::span<const fetcher::LooseBlock> loose,
                             ByteOffset offset, std::span<std::byte> out) {
  if (loose.empty()) return image.read(offset, out);

  // Bytes of `out` before `copied` are filled; those before `pending` belong to the image.
  std::size_t copied = 0;
  std::size_t pending = 0;
  const auto read_pending = [&]() -> Result<void> {
    if (copied == pending) return {};
    return image.read(offset + ByteCount(copied), out.subspan(copied, pending - copied));
  };
  while (pending < out.size()) {
    const ByteOffset here = offset + ByteCount(pending);
    const std::size_t inside = here.value() % block_size;
    const std::size_t length = std::min<std::size_t>(block_size - inside, out.size() - pending);
    if (const NodeBytes* bytes = find(loose, block_of(here)); bytes != nullptr) {
      WEFT_CHECK(read_pending());
      std::memcpy(out.data() + pending, bytes->data() + inside, length);
      copied = pending + length;
    }
    pending += length;
  }
  return read_pending();
}

}  // namespace weft::fs
