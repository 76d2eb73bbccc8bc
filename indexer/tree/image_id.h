// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/units.h"

#include <string_view>

namespace weft {

/// What identifies an image's content. `id` commits to `size` and `root`, and through the root to
/// every block.
struct ImageInfo {
  ImageId id;
  ByteCount size;
  Digest root;
  friend bool operator==(const ImageInfo&, const ImageInfo&) = default;
};

/// SHA-256 over the format tag "weft image 1" + NUL, the size as 8 bytes little-endian, and the
/// root. The tag separates image ids from names of blocks and nodes, and fixes the tree's fan-out;
/// the size fixes its height, so that a node can never pass for a block.
[[nodiscard]] ImageId make_image_id(ByteCount size, const Digest& root);

/// True if size is acceptable and id = make_image_id(size, root): to be asked of every ImageInfo
/// that comes from outside.
[[nodiscard]] bool is_consistent(const ImageInfo& info);

/// Whether `text` may stand for `id` where people name images: its hex digits, or 8 or more of the
/// first of them. Fewer would soon mean several images.
[[nodiscard]] bool is_prefix_of(std::string_view text, const ImageId& id);

}  // namespace weft
