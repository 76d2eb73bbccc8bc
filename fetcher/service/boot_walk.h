// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/urgency.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// Finds out, step by step, what of an image a boot will read: by a profile (`ProfileWalk`), or
/// without one by what is in the image (`LayoutWalk`). Each step says what to fetch, and is taken
/// when what the step before waits for is here. Steps block on the disk: for workers, one at a
/// time.
class BootWalk {
 public:
  struct Wanted {
    std::vector<BlockRange> blocks;  ///< missing
    std::vector<TreeNode> nodes;     ///< on the way to them, or to what the next step looks at
    /// Of the blocks, those that the next step reads. Else it needs the nodes.
    std::vector<BlockRange> read_next = {};
    /// What is needed when, if that is known better now; in place of what was said before.
    std::optional<std::vector<Urgency::Slice>> order = {};
    bool finished = false;    ///< there is no next step
    bool tree_rests = false;  ///< `nodes` serve what is far from certain: let blocks pass
  };
  virtual ~BootWalk() = default;
  /// `bulk_nodes`: how many tree nodes to ask for together.
  [[nodiscard]] virtual Result<Wanted> next(std::size_t bulk_nodes) = 0;
};

}  // namespace weft::fetcher
