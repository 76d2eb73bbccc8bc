// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "indexer/core/error.h"

#include <string>
#include <string_view>

namespace weft::tools {

/// What the catalog keeps of a materialize job, under its image.
struct JobRecord {
  std::string name;
  double bytes_per_second = 0;  ///< 0: no cap
  fetcher::plan::Goal goal = {};
  /// Money that the job may have spent, never less than it has: all that was drawn.
  double spent = 0;
  bool paused = false;  ///< by its owner, until it is resumed: also by a successor of this process
  bool in_image_order = false;  ///< a boot does not go first
};

[[nodiscard]] std::string encode(const JobRecord& record);
/// Errc::damaged_state, also for numbers that no job can have: a job must not spend again what it
/// spent, nor without the bound it was given. Members that older records lack are as above.
[[nodiscard]] Result<JobRecord> decode_job_record(std::string_view json);

}  // namespace weft::tools
