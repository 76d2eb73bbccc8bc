// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/block_source.h"
#include "indexer/import/importer.h"
#include "indexer/import/piece_pipeline.h"

#include <stop_token>

namespace weft {

/// What an import and an update do alike: passes all of `source` to `work`, and makes sure that it
/// is still what it was. Returns the bytes of data. Threads, progress and stopping are as for
/// `import_file`. Errc::source_changed, cancelled, and those of the source and the work.
[[nodiscard]] Result<ByteCount> read_through(BlockSource& source, PieceWork& work, WorkerPool& pool,
                                             const OnImportProgress& progress,
                                             const std::stop_token& stop);

}  // namespace weft
