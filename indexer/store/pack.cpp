// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack.h"

#include "indexer/core/units.h"

#include <algorithm>
#include <cerrno>

namespace weft {

Result<void> Pack::read_blocks(Place place, BlockIndex first, std::span<std::byte> out) {
  File* file = place == Place::own ? own_.get() : source_.get();
  if (file == nullptr) return fail_errno(ENOENT, Operation::read, "source file of an image");
  WEFT_TRY(const std::size_t got, file->read_at(offset_of(first), out));
  std::ranges::fill(out.subspan(got), std::byte{0});
  return {};
}

Result<void> Pack::read_lent(BlockIndex first, std::span<std::byte> out) {
  while (!out.empty()) {
    const auto run = map.leading_run({first, BlockCount(out.size() / block_size)});
    const auto part = out.first(bytes_of(run.range.count).value());
    if (run.place != Place::own && run.place != Place::source) {
      return fail(Errc::not_resident, Operation::read,
                  "block " + std::to_string(first.value()) + " of lender " + to_hex(id_));
    }
    WEFT_CHECK(read_blocks(run.place, first, part));
    first = run.range.end();
    out = out.subspan(part.size());
  }
  return {};
}

}  // namespace weft
