// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/image_of_disk.h"

#include "indexer/disk/disks.h"
#include "tools/daemon/commit_paths.h"
#include "tools/daemon/node.h"

#include <spdlog/spdlog.h>

namespace weft::tools {

Result<CommitResult> image_of_disk(Node& node, const std::string& disk,
                                   const std::string& image_name, const std::stop_token& stop) {
  WEFT_TRY(const auto commit, node.store().disks()->begin_commit(disk, image_name));
  // The nodes above changed blocks must be here; where they are not, and no network is, `publish`
  // says so.
  if (node.network() != nullptr) {
    const TimePoint deadline = steady_clock().now() + node.config().read_policy.deadline;
    WEFT_CHECK(fetch_commit_paths(*commit, node.network()->fetcher(), deadline, stop));
  }
  WEFT_TRY(auto result, commit->publish());
  spdlog::info("disk committed name={} image={} new_name={} written={}", disk,
               to_hex(result.info.id), image_name, bytes_of(result.written).value());
  return result;
}

}  // namespace weft::tools
