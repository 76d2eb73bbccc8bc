// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/export/detach.h"
#include "indexer/store/local_image.h"
#include "indexer/store/store.h"

#include <memory>
#include <stop_token>

namespace weft {

/// Detaches an image by giving its pack away: the pack is made whole, read back from the disk and
/// hashed, gets its name at the target by link(2), and then the store forgets the image. Nothing is
/// copied but what was borrowed. Killed between the last two steps, image and file are the same
/// bytes under two names; do it again after removing the file.
///
/// In the calling thread; blocks until done. As `detach`, and: bad_request: qcow2, or the target is
/// to be replaced; Errc::unsupported: the image is in place, or its size is not a multiple of 4096;
/// std::errc::cross_device_link: the target is on another file system than the store; image_in_use:
/// as `Store::give_up`.
[[nodiscard]] Result<Detached> move_out(Store& store, std::shared_ptr<LocalImage> image,
                                        FileSystem& fs, const DetachOptions& options,
                                        const OnDetachProgress& progress,
                                        const std::stop_token& stop);

}  // namespace weft
