// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"
#include "indexer/similarity/signature.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Whether the profile of one image is of use for another one. Pure.
namespace weft::fetcher {

/// Below it another image's profile would rather lead astray.
inline constexpr double least_part_held = 0.1;
/// Fewer keys of a profile than this in the range that a sampled signature covers tell nothing.
inline constexpr std::size_t least_keys_compared = 8;

/// The keys of a profile, ascending.
[[nodiscard]] std::vector<DigestKey> keys_of(const BootProfile& profile);

/// Which part of the blocks with these keys (ascending) the image of `signature` holds, 0 to 1. An
/// estimate if the signature is sampled: it keeps the same keys of every image, so those of the
/// profile below its threshold are a random sample. nullopt: too few of them to tell.
[[nodiscard]] std::optional<double> part_held(std::span<const DigestKey> keys,
                                              const Signature& signature);

}  // namespace weft::fetcher
