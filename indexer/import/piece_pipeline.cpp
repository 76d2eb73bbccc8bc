// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/piece_pipeline.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

// From `at` to the end of `blocks`, or to the next multiple of `unit`.
BlockRange leading_part(BlockRange blocks, BlockIndex at, std::uint64_t unit) {
  const BlockIndex edge((at.value() / unit + 1) * unit);
  return BlockRange::between(at, std::min(edge, blocks.end()));
}

}  // namespace

PiecePipeline::PiecePipeline(BlockSource& source, PieceWork& work, WorkerPool& pool)
    : source_(source),
      size_(source.size()),
      work_(work),
      pool_(pool),
      buffer_count_(2 * pool.threads()) {
  Lock lock(mutex_);
  for (std::size_t i = 0; i < buffer_count_; ++i)
    free_.push_back(std::make_unique<Buffer>(piece_blocks * block_size));
}

Result<ByteCount> PiecePipeline::run(const Report& report, const std::stop_token& stop) {
  const Result<void> submitted = submit_all(report, stop);
  wait_for_all();  // whatever happened: tasks refer to this object
  ByteCount data;
  {
    Lock lock(mutex_);
    if (error_) return std::unexpected(*error_);
    data = data_;
  }
  if (!submitted) return std::unexpected(submitted.error());
  report(size_, data);
  return data;
}

Result<void> PiecePipeline::submit_all(const Report& report, const std::stop_token& stop) {
  const BlockIndex end(blocks_for(size_).value());
  for (BlockIndex at; at < end;) {
    WEFT_TRY(const auto extent, source_.next_data(offset_of(at)));
    if (!extent) return work_.hole(BlockRange::between(at, end));
    const BlockRange touched = blocks_touched(extent->offset, extent->length);
    // File systems with smaller blocks may have two extents in one of ours.
    const BlockRange blocks = intersect(touched, BlockRange::between(at, end));
    const auto hole = BlockRange::between(at, std::min(blocks.first, end));
    if (!hole.empty()) WEFT_CHECK(work_.hole(hole));
    WEFT_CHECK(submit_extent(blocks, report, stop));
    at = std::max(touched.end(), at + BlockCount(1));
  }
  return {};
}

Result<void> PiecePipeline::submit_extent(BlockRange blocks, const Report& report,
                                          const std::stop_token& stop) {
  for (BlockIndex at = blocks.first; at < blocks.end();) {
    const BlockRange work = leading_part(blocks, at, task_blocks);
    WEFT_TRY(std::unique_ptr<Buffer> buffer, take_buffer());
    if (stop.stop_requested()) {
      give_back(std::move(buffer), {}, ByteCount(0));
      return fail(Errc::cancelled, Operation::import);
    }
    ByteCount data;
    {
      Lock lock(mutex_);
      data = data_;
    }
    report(std::min(size_, ByteCount(offset_of(at).value())), data);
    // The buffer travels with the task; a task that is not taken gives it back to nobody.
    Buffer* const raw = buffer.release();
    const bool taken = pool_.submit([this, work, raw] {
      std::unique_ptr<Buffer> owned(raw);
      Result<void> outcome = process(work, *owned);
      give_back(std::move(owned), std::move(outcome), content_of(work));
    });
    if (!taken) {
      give_back(std::unique_ptr<Buffer>(raw), {}, ByteCount(0));
      return fail(Errc::cancelled, Operation::import, "the node is shutting down");
    }
    at = work.end();
  }
  return {};
}

// Bytes of the image in a range of its blocks: the last one may be partly padding.
ByteCount PiecePipeline::content_of(BlockRange blocks) const {
  return std::min(bytes_of(blocks.count), size_ - ByteCount(offset_of(blocks.first).value()));
}

Result<void> PiecePipeline::process(BlockRange blocks, std::span<std::byte> buffer) {
  for (BlockIndex at = blocks.first; at < blocks.end();) {
    const BlockRange piece = leading_part(blocks, at, piece_blocks);
    WEFT_CHECK(process_piece(piece, buffer));
    at = piece.end();
  }
  return {};
}

Result<void> PiecePipeline::process_piece(BlockRange piece, std::span<std::byte> buffer) {
  const ByteOffset offset = offset_of(piece.first);
  const auto bytes = buffer.first(bytes_of(piece.count).value());
  const std::uint64_t wanted = content_of(piece).value();
  WEFT_CHECK(source_.read(offset, bytes.first(wanted)));
  std::ranges::fill(bytes.subspan(wanted), std::byte{0});
  return work_.piece(piece.first, bytes);
}

Result<std::unique_ptr<PiecePipeline::Buffer>> PiecePipeline::take_buffer() {
  Lock lock(mutex_);
  while (free_.empty() && !error_)
    changed_.wait(mutex_);
  if (error_) return std::unexpected(*error_);
  std::unique_ptr<Buffer> buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void PiecePipeline::give_back(std::unique_ptr<Buffer> buffer, Result<void> outcome,
                              ByteCount bytes) {
  Lock lock(mutex_);
  free_.push_back(std::move(buffer));
  if (outcome) {
    data_ += bytes;
  } else if (!error_) {
    error_ = std::move(outcome).error();
  }
  changed_.notify_one();
}

void PiecePipeline::wait_for_all() {
  Lock lock(mutex_);
  while (free_.size() < buffer_count_)
    changed_.wait(mutex_);
}

}  // namespace weft
