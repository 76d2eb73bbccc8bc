// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/store/local_image.h"

#include <memory>
#include <string>

namespace weft::tools {

class Node;

struct FoundImage {
  std::string name;
  std::shared_ptr<LocalImage> image;
  bool adopted = false;  ///< was not known here before
};

/// An image by name or id: the local one, else one that a peer offers, which is then registered
/// with the tree nodes that came with the answer. Waits for peers up to the fetcher's own timeout:
/// call it from a thread that may block.
///
/// Errc::unknown_image (also if there is no peer to ask), ambiguous_image, peer_unreachable,
/// peer_version, name_taken.
[[nodiscard]] Result<FoundImage> find_or_adopt(Node& node, const std::string& name_or_id);

/// The same, and a disk's name stands for the image below it.
[[nodiscard]] Result<FoundImage> find_or_adopt_below(Node& node, const std::string& name_or_id);

}  // namespace weft::tools
