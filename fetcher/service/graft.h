// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/pack_ledger.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/relative_trees.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

/// Tree nodes from trees that are here: equal ones are copied, those of a peer unpacked against
/// them. All of it blocks on the disk: for workers.
namespace weft::fetcher {

/// Null: not here any more.
using RelativeImages = std::vector<std::shared_ptr<LocalImage>>;

/// Copies missing nodes over `window` from relatives that have a node of the same digest at the
/// same place, with all that is missing below it. As compare_trees does, it looks only below nodes
/// that differ, so that its cost grows with them and with what is copied, not with the image. What
/// is copied is compared with its digest like any node. Returns the number of nodes copied.
[[nodiscard]] Result<std::uint64_t> graft(LocalImage& image, const RelativeImages& relatives,
                                          BlockRange window);

/// What a read of `range` waits for, after what relatives of the image have of the tree over it has
/// been copied. `relatives` may be null.
[[nodiscard]] Result<Missing> look_up_missing(LocalImage& image, BlockRange range,
                                              RelativeTrees* relatives);

/// The nodes of packs whose bases are `bases`, in the order of the request. Errc::not_resident: a
/// node of a prefix is not here (any more); peer_misbehaved: a pack does not unpack. Unverified.
[[nodiscard]] Result<wire::TreeNodes> unpack(const std::vector<NodePack>& packs,
                                             const RelativeImages& bases);

}  // namespace weft::fetcher
