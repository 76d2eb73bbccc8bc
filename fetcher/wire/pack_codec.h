// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <cstddef>
#include <span>
#include <vector>

/// The bytes of a pack (WIRE.md §5.1): tree nodes as one zstd frame with a prefix. Pure; to be
/// called on workers. `prefix` and `nodes` are whole nodes, concatenated.
///
/// *Rationale:* digests are symbols of 32 bytes that do not compress; all there is to find are long
/// matches, most of them runs of the files that two images share. So zstd's fastest strategy with
/// its longest minimal match is within 0.1 B per known digest of its slowest one, at 100 MB/s and
/// more instead of 4 (`tests/bench/fetcher/tree_bench`).
namespace weft::fetcher::wire {

/// Takes up to 4 MiB, and the result. Always succeeds; at most max_pack_size of the nodes.
[[nodiscard]] std::vector<std::byte> pack_nodes(std::span<const std::byte> prefix,
                                                std::span<const std::byte> nodes);

/// The `count` nodes of a pack. Errc::peer_misbehaved: it is not one frame over so many nodes, made
/// with this prefix; the size it claims is compared before memory is taken. That it unpacks does
/// not make it right: nodes have to be compared with what their parents say.
[[nodiscard]] Result<std::vector<std::byte>> unpack_nodes(std::span<const std::byte> prefix,
                                                          std::span<const std::byte> packed,
                                                          std::size_t count);

}  // namespace weft::fetcher::wire
