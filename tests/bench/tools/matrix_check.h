// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/tools/reference_transfer.h"
#include "tests/support/tools/weft_node.h"

#include <cstddef>
#include <string>
#include <vector>

namespace weft::bench {

struct NamedContent {
  std::string name;  ///< of the image on the node
  const testing::ImageContent* content = nullptr;
};

/// What a node says of images against what their files hold, counted block by block.
struct MatrixCheck {
  std::size_t pairs = 0;
  std::size_t clusters = 0;
  std::size_t wrong_pairs = 0;     ///< shared bytes differ
  std::size_t wrong_clusters = 0;  ///< weight differs, or only one of both has the cluster
};

/// Compares `weft similar` and `weft clusters` on `node`, which holds exactly `images`, with the
/// files. Throws std::runtime_error if the node cannot be asked.
[[nodiscard]] MatrixCheck check_matrix(const testing::WeftNode& node,
                                       const std::vector<NamedContent>& images);

}  // namespace weft::bench
