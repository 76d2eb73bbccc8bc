// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/image_source.h"

#include <algorithm>

namespace weft {

Result<std::optional<Extent>> ImageSource::next_data(ByteOffset from) {
  const ByteOffset end(size().value());
  if (from >= end) return std::nullopt;
  const auto data = image_->next_data(
      BlockRange::between(block_of(from), BlockIndex(image_->shape().blocks().value())));
  if (!data) return std::nullopt;
  const ByteOffset begin = std::max(from, offset_of(data->first));
  return Extent{begin, std::min(end, offset_of(data->end())) - begin};
}

}  // namespace weft
