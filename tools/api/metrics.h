// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/peer_server.h"
#include "fetcher/service/statistics.h"
#include "fs/mount/mount_manager.h"
#include "indexer/core/clock.h"
#include "indexer/store/store.h"
#include "tools/daemon/job_book.h"

#include <string>
#include <vector>

namespace weft::tools {

/// All that a node has counted, at one moment.
struct MetricsInput {
  std::string version;
  Duration uptime{};
  std::vector<fs::MountStatus> mounts;
  std::vector<ImageEntry> images;  ///< several names of one image: the first counts
  std::vector<JobView> jobs;
  std::vector<fetcher::PeerStatus> peers;
  fetcher::FetchStatistics fetch;
  fetcher::PeerServerStats served;
};

/// As Prometheus reads it; API.md lists the names. Pure.
[[nodiscard]] std::string metrics_text(const MetricsInput& input);

}  // namespace weft::tools
