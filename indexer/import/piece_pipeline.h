// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/core/range.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/block_source.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace weft {

/// What is done with a source's content: the other half of a PiecePipeline.
class PieceWork {
 public:
  virtual ~PieceWork() = default;
  /// Consecutive whole blocks with data, all in one piece; past the source's end they are zeros.
  /// On a thread of the pool, for several pieces at once.
  [[nodiscard]] virtual Result<void> piece(BlockIndex first, std::span<const std::byte> bytes) = 0;
  /// Blocks that lie in a hole of the source. On the thread in `run`.
  [[nodiscard]] virtual Result<void> hole(BlockRange) { return {}; }
};

/// Reads a source's data extents on all threads of a pool, and has each piece worked on by the
/// thread that read it. The work of one import; used once, by one thread, which waits.
///
/// A piece is at most 512 KiB at a multiple of that: large enough that system calls do not count,
/// small enough to stay in a core's cache between reading and hashing, and what one tree leaf
/// covers, so that no two threads write the same page of a side file. A task does several pieces
/// with one buffer, about a millisecond's work: shorter tasks cost a few percent in wake-ups,
/// longer ones would hold up the pool's other users. The number of buffers bounds memory and the
/// tasks on the way; when all are in use the calling thread waits.
class PiecePipeline {
 public:
  static constexpr std::uint64_t piece_blocks = 128;
  static constexpr std::uint64_t task_blocks = 4 * piece_blocks;

  /// Called on the thread in `run` with the bytes passed (holes included) and the bytes of data.
  using Report = std::function<void(ByteCount passed, ByteCount data)>;

  /// All references outlive `run`.
  PiecePipeline(BlockSource& source, PieceWork& work, WorkerPool& pool);

  /// Returns the bytes of data when every piece is done, or after the first error, or
  /// Errc::cancelled after `stop`; no task is left in the pool.
  Result<ByteCount> run(const Report& report, const std::stop_token& stop);

 private:
  using Buffer = std::vector<std::byte>;

  Result<void> submit_all(const Report& report, const std::stop_token& stop);
  Result<void> submit_extent(BlockRange blocks, const Report& report, const std::stop_token& stop);
  [[nodiscard]] ByteCount content_of(BlockRange blocks) const;
  Result<void> process(BlockRange blocks, std::span<std::byte> buffer);
  Result<void> process_piece(BlockRange piece, std::span<std::byte> buffer);
  Result<std::unique_ptr<Buffer>> take_buffer() WEFT_EXCLUDES(mutex_);
  void give_back(std::unique_ptr<Buffer> buffer, Result<void> outcome, ByteCount bytes)
      WEFT_EXCLUDES(mutex_);
  void wait_for_all() WEFT_EXCLUDES(mutex_);

  // Constant after construction.
  BlockSource& source_;
  const ByteCount size_;
  PieceWork& work_;
  WorkerPool& pool_;
  const std::size_t buffer_count_;

  Mutex mutex_;
  Condition changed_;
  std::vector<std::unique_ptr<Buffer>> free_ WEFT_GUARDED_BY(mutex_);
  std::optional<Error> error_ WEFT_GUARDED_BY(mutex_);  // the first one
  ByteCount data_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
