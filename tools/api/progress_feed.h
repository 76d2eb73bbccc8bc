// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/units.h"
#include "indexer/import/progress.h"
#include "tools/api/call.h"

#include <optional>

namespace weft::tools {

/// Turns frequent progress of one operation into about four objects a second for whoever listens:
/// {"progress": {"done", "total", "percent", "rate", "eta"}}. Not thread-safe.
class ProgressFeed {
 public:
  ProgressFeed(const CallContext& context, TimePoint now,
               Duration period = std::chrono::milliseconds(250));
  void update(ByteCount done, ByteCount total, TimePoint now);

 private:
  const CallContext& context_;
  const Duration period_;
  Progress progress_;
  std::optional<TimePoint> last_;
};

}  // namespace weft::tools
