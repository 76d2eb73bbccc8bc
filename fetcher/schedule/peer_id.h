// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weft::fetcher {

/// A peer of this node, by the address it was added under; outlives its connections.
enum class PeerId : std::uint32_t {};

/// A blocks request on its way, named by the scheduler. Never reused.
enum class FetchId : std::uint64_t {};

/// A tree nodes request on its way.
enum class NodeFetchId : std::uint64_t {};

/// A have query on its way.
enum class HaveId : std::uint64_t {};

}  // namespace weft::fetcher
