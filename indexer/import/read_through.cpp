// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/read_through.h"

namespace weft {

Result<ByteCount> read_through(BlockSource& source, PieceWork& work, WorkerPool& pool,
                               const OnImportProgress& progress, const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&source] { source.interrupt(); });
  const ByteCount size = source.size();
  const auto report = [&](ByteCount passed, ByteCount data) {
    if (progress) progress(ImportProgress{.total = size, .done = passed, .data = data});
  };
  PiecePipeline pipeline(source, work, pool);
  WEFT_TRY(const ByteCount data, pipeline.run(report, stop));
  WEFT_CHECK(source.check_unchanged());
  if (stop.stop_requested()) return fail(Errc::cancelled, Operation::import);
  return data;
}

}  // namespace weft
