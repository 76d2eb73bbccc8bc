// SPDX-License-Identifier: Apache-2.0
#include "fs/session/served_image.h"

namespace weft::fs {

struct stat attributes_of(const ServedImage& served, std::uint64_t node) {
  struct stat attributes{};
  attributes.st_ino = node;
  attributes.st_blksize = block_size;
  if (node != served.image_node()) {
    attributes.st_mode = S_IFDIR | 0555;
    attributes.st_nlink = 2;
    return attributes;
  }
  if (served.disk) {
    attributes.st_mode = S_IFREG | 0644;
    attributes.st_nlink = 1;
    attributes.st_size = static_cast<off_t>(served.disk->size().value());
    attributes.st_blocks =
        static_cast<blkcnt_t>(bytes_of(served.disk->usage().written).value() / 512);
    return attributes;
  }
  const ImageUsage usage = served.image->usage();
  attributes.st_mode = S_IFREG | 0444;
  attributes.st_nlink = 1;
  attributes.st_size = static_cast<off_t>(served.image->info().size.value());
  attributes.st_blocks =
      static_cast<blkcnt_t>(bytes_of(usage.resident + usage.borrowed).value() / 512);
  // All times stay at zero: an image has no time, it is named by its content.
  return attributes;
}

std::optional<BlockRange> next_data(const ServedImage& served, BlockRange range) {
  return served.disk ? served.disk->next_data(range) : served.image->next_data(range);
}

double attribute_lifetime(const ServedImage& served) {
  if (served.disk) return 1;
  return served.image->usage().complete ? 86'400 : 1;
}

}  // namespace weft::fs
