// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/disk/disk_commit.h"

#include <stop_token>
#include <string>

namespace weft::tools {

class Node;

/// Makes an image of what a disk holds now; what that needs of the tree of the image below is
/// fetched first where there is a network. An empty `image_name`: as `Disks::begin_commit`.
/// Blocks; errors as of `Disks::begin_commit`, `fetch_commit_paths` and `DiskCommit::publish`.
[[nodiscard]] Result<CommitResult> image_of_disk(Node& node, const std::string& disk,
                                                 const std::string& image_name,
                                                 const std::stop_token& stop);

}  // namespace weft::tools
