// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/store.h"

#include <functional>
#include <memory>
#include <span>

namespace weft::fetcher::testing {

/// Changes what a served image's blocks read as: `offset` and bytes of one read.
using Lie = std::function<void(ByteOffset offset, std::span<std::byte> bytes)>;

/// Changes a node of a served image's tree.
using TreeLie = std::function<void(const ImageId& image, TreeNode node, NodeBytes& bytes)>;

/// A store whose images are served with wrong bytes: the peer that lies. The store outlives it.
[[nodiscard]] std::unique_ptr<Store> make_lying_store(Store& truth, Lie lie, TreeLie tree_lie = {});
/// A store that says it holds every block it is asked about, and gives only what it has.
[[nodiscard]] std::unique_ptr<Store> make_boasting_store(Store& truth);
/// The same, and it gives other bytes for what it does not have.
[[nodiscard]] std::unique_ptr<Store> make_inventing_store(Store& truth);
/// A store that gives the signature of `other` as that of every image.
[[nodiscard]] std::unique_ptr<Store> make_misleading_store(Store& truth, const ImageId& other);

}  // namespace weft::fetcher::testing
