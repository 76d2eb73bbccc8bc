// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/layout.h"

#include "fetcher/layout/disk_view.h"
#include "fetcher/layout/ext4.h"
#include "fetcher/layout/partitions.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher::layout {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20;

/// Where most file systems say what they are, and where their metadata begin.
void found_ends(DiskView& disk, const Partition& partition, Need need) {
  disk.found(need, partition.offset, std::min(mebibyte, partition.length));
  const std::uint64_t tail = std::min(mebibyte, partition.length);
  disk.found(Need::soon, partition.offset + partition.length - tail, tail);
}

}  // namespace

Findings explore(ByteSource& source, std::uint64_t size, const LayoutLimits& limits) {
  DiskView disk(source, size, limits);
  for (const Partition& partition : partitions(disk)) {
    switch (partition.kind) {
      case Partition::Kind::bios_boot:
        disk.found(Need::start, partition.offset, std::min(2 * mebibyte, partition.length));
        break;
      case Partition::Kind::efi_system:  // allocation table, root directory, a small loader
        disk.found(Need::start, partition.offset, std::min(4 * mebibyte, partition.length));
        break;
      case Partition::Kind::data:
        // A disk without a table that holds no such file system boots nothing.
        if (explore_ext4(disk, partition) == Recognised::no && partition.offset > 0)
          found_ends(disk, partition, Need::start);
        break;
    }
  }
  return std::move(disk).take();
}

}  // namespace weft::fetcher::layout
