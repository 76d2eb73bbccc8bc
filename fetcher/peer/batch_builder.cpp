// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/batch_builder.h"

#include "fetcher/wire/batch.h"
#include "fetcher/wire/bounds.h"
#include "indexer/core/assert.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {

std::vector<BlockRange> normalised(std::vector<BlockRange> ranges) {
  std::ranges::sort(ranges, {}, &BlockRange::first);
  std::vector<BlockRange> joined;
  for (const BlockRange& range : ranges)
    append_run(joined, range);
  return joined;
}

BatchBuilder::BatchBuilder() {
  data_.reserve(wire::blocks_per_batch * block_size);
}

std::span<std::byte> BatchBuilder::add_data(BlockRange blocks) {
  WEFT_ASSERT(blocks.count.value() <= room(), "a batch takes no more blocks than it has room for");
  const std::size_t offset = data_.size();
  pieces_.push_back({blocks, offset});
  blocks_ += blocks.count.value();
  data_.resize(offset + bytes_of(blocks.count).value());
  return std::span(data_).subspan(offset);
}

void BatchBuilder::drop_data() {
  data_.resize(pieces_.back().offset);
  blocks_ -= pieces_.back().range.count.value();
  pieces_.pop_back();
}

std::vector<std::byte> BatchBuilder::in_order() {
  const auto first = [](const Piece& piece) { return piece.range.first; };
  if (std::ranges::is_sorted(pieces_, {}, first)) return std::exchange(data_, {});
  std::ranges::sort(pieces_, {}, first);
  std::vector<std::byte> ordered;
  ordered.reserve(data_.size());
  for (const Piece& piece : pieces_) {
    const auto bytes = std::span(data_).subspan(piece.offset, bytes_of(piece.range.count).value());
    ordered.insert(ordered.end(), bytes.begin(), bytes.end());
  }
  return ordered;
}

AnswerPart BatchBuilder::finish(int level, bool last) {
  wire::BlockBatch batch;
  batch.last = last;
  batch.zero = normalised(std::exchange(zero_, {}));
  batch.absent = normalised(std::exchange(absent_, {}));
  const std::vector<std::byte> plain = in_order();
  std::vector<BlockRange> ranges;
  for (const Piece& piece : pieces_)
    ranges.push_back(piece.range);
  batch.ranges = normalised(std::move(ranges));
  // Level 1 finds out fast whether compression is worth while again; if it is, then at the level.
  wire::Packed packed = wire::pack(plain, incompressible_ ? std::min(level, 1) : level);
  if (incompressible_ && packed.compressed && level > 1) packed = wire::pack(plain, level);
  incompressible_ = level > 0 && !plain.empty() && !packed.compressed;
  batch.compressed = packed.compressed;
  batch.packed = std::move(packed.bytes);
  AnswerPart part{.message = wire::BlockBatch{},
                  .last = last,
                  .blocks_sent = std::exchange(blocks_, 0),
                  .blocks_zero = wire::total_blocks(batch.zero),
                  .blocks_absent = wire::total_blocks(batch.absent)};
  part.message = std::move(batch);
  pieces_.clear();
  data_.clear();
  return part;
}

}  // namespace weft::fetcher
