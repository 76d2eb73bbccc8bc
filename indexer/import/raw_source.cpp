// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/raw_source.h"

namespace weft {

Result<void> RawSource::read(ByteOffset offset, std::span<std::byte> out) {
  WEFT_TRY(const std::size_t got, source_.file->read_at(offset, out));
  if (got < out.size()) return fail(Errc::source_changed, Operation::import, "it became shorter");
  return {};
}

}  // namespace weft
