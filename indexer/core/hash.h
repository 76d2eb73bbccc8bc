// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

/// SHA-256 names content across nodes (OpenSSL, hardware instructions where the CPU has them);
/// XXH3-64 guards content at rest and on the wire against accidents, not against attackers.
/// All functions are thread-safe and do not allocate after a thread's first call.
namespace weft {

/// SHA-256 of the concatenation of `parts` (FIPS 180-4).
[[nodiscard]] Digest sha256(std::initializer_list<std::span<const std::byte>> parts);
[[nodiscard]] inline Digest sha256(std::span<const std::byte> bytes) {
  return sha256({bytes});
}

/// Name of a block or tree node: the zero digest if every byte is zero, else its SHA-256.
/// `block` is exactly `block_size` bytes.
[[nodiscard]] Digest digest_of_block(std::span<const std::byte> block);

/// The same for each of `out.size()` consecutive blocks; faster than one by one.
void digests_of_blocks(std::span<const std::byte> blocks, std::span<Digest> out);

/// XXH3-64 with seed 0.
[[nodiscard]] std::uint64_t xxh3(std::span<const std::byte> bytes);

[[nodiscard]] bool is_all_zero(std::span<const std::byte> bytes);

}  // namespace weft
