// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/disk_view.h"
#include "fetcher/layout/partitions.h"

#include <cstdint>

namespace weft::fetcher::layout {

enum class Recognised : std::uint8_t { yes, no, not_here_yet };

/// Finds in an ext2, ext3 or ext4 file system what a guest reads of it while it boots: superblock,
/// group descriptors, root directory, the journal's head, what is in /boot (or in the root
/// directory, if this is the boot partition), the first programs with loader and C library, /etc;
/// and, for soon, bitmaps and inode tables of the first groups. Extent maps and the direct blocks
/// of older ones; what is mapped otherwise is left out.
[[nodiscard]] Recognised explore_ext4(DiskView& disk, const Partition& partition);

}  // namespace weft::fetcher::layout
