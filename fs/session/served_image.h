// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/session/fuse_abi.h"
#include "fs/supervisor/mount_keeper.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/local_image.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace weft::fs {

class ImageOpens;
class ReadService;

/// What one FUSE session shows: the tree of one or two nodes around an image. Constant while the
/// session lives; the operations (op_*.cpp) read it from any thread.
struct ServedImage {
  std::shared_ptr<LocalImage> image;
  TargetKind kind = TargetKind::directory;
  std::string file_name;  ///< in a directory target
  ReadService& reads;
  ImageOpens& opens;
  std::shared_ptr<WritableDisk> disk{};  ///< over the image; null: the image itself is shown

  [[nodiscard]] std::uint64_t image_node() const {
    return kind == TargetKind::file ? abi::root_node : abi::image_node;
  }
  [[nodiscard]] bool has_node(std::uint64_t node) const {
    return node == abi::root_node || node == image_node();
  }
};

/// Attributes of a node; `node` must exist. The image's blocks are what it takes on disk here.
[[nodiscard]] struct stat attributes_of(const ServedImage& served, std::uint64_t node);

/// First run of blocks of `range` that may hold data.
[[nodiscard]] std::optional<BlockRange> next_data(const ServedImage& served, BlockRange range);

/// For how long the kernel may keep attributes, in seconds. Only the block count ever changes,
/// and not any more when the image is complete.
[[nodiscard]] double attribute_lifetime(const ServedImage& served);

/// Names never change.
inline constexpr double entry_lifetime = 86'400;

}  // namespace weft::fs
