// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <span>
#include <vector>

/// Boot profiles as bytes: for the catalog, for peers and for files. The format, with its reasons,
/// is in PROFILE_FORMAT.md. Pure.
namespace weft::fetcher {

/// An encoded profile of n entries is not longer than this; one of a real boot takes about 11 bytes
/// an entry.
[[nodiscard]] constexpr std::size_t max_encoded_profile(std::size_t n) noexcept {
  return 64 + n * 21;
}

/// `profile` is valid.
[[nodiscard]] std::vector<std::byte> encode_profile(const BootProfile& profile);

/// A valid profile, and the one that was encoded: every number is checked before memory is taken
/// for it, at most 4 × bytes.size().
/// Errc::newer_state: of a later version; damaged_state: cut short, fails its sum, or breaks a
/// rule.
[[nodiscard]] Result<BootProfile> decode_profile(std::span<const std::byte> bytes);

}  // namespace weft::fetcher
