// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/restart_policy.h"

#include <algorithm>

namespace weft::fs {

RestartPolicy::Verdict RestartPolicy::on_end(const ProcessEnd& end, Duration lived,
                                             bool mounts_exist) {
  const int status = end.exit_status();
  if (status == 0 || !ever_ready_) return {.exit_status = status};
  quick_ends_ = lived >= stable_after ? 1 : quick_ends_ + 1;
  if (!mounts_exist && quick_ends_ >= give_up_after) return {.exit_status = status};
  if (quick_ends_ == 1) return {.restart = true};
  const unsigned doublings = std::min(quick_ends_ - 2, 20U);
  return {.restart = true, .pause = std::min(first_pause * (1L << doublings), longest_pause)};
}

}  // namespace weft::fs
