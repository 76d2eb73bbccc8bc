// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/answer.h"
#include "fetcher/peer/memory_budget.h"
#include "fetcher/wire/tree_pack.h"
#include "indexer/store/store.h"

#include <memory>

namespace weft::fetcher {

/// What packs of one server take while they are made and sent.
inline constexpr std::uint64_t pack_memory = 48u << 20;

/// Answers with the nodes asked for in as few packs as `memory` allows: one, if there is room, else
/// small ones with short prefixes. A base that is not here, or not as far as it is needed, is not
/// used. The store outlives the answer.
[[nodiscard]] std::unique_ptr<Answer> answer_tree_pack(Store& store,
                                                       std::shared_ptr<MemoryBudget> memory,
                                                       wire::TreePackRequest request);

}  // namespace weft::fetcher
