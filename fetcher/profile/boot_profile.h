// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/units.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

/// What a boot reads, and when: plain values. Pure.
namespace weft::fetcher {

struct ProfileEntry {
  std::uint64_t key = 0;           ///< first 8 bytes of the block's digest as a big-endian number
  BlockIndex block;                ///< where the block was in the image it was recorded for: a hint
  std::chrono::milliseconds at{};  ///< since the boot's first read; over several boots the median
  std::uint16_t boots = 1;         ///< in so many of the merged boots

  friend bool operator==(const ProfileEntry&, const ProfileEntry&) = default;
};

/// The blocks that the boots of an image read, in the order they were first needed. Zero blocks are
/// left out: nobody fetches them.
///
/// *Rationale:* blocks are named by their keys, so that the profile of one image predicts the boot
/// of another one that holds the same blocks elsewhere. Keys of 8 bytes, as in a Signature, not
/// whole digests: a profile is only a hint, and whatever is fetched because of it is verified as
/// ever. The 20 000 blocks of a Debian boot then take about 200 KB, a tenth of a second of a link
/// of 20 Mbit/s; whole digests would take 700 KB.
struct BootProfile {
  ImageId image;                      ///< recorded for
  std::uint32_t boots = 1;            ///< merged into it
  std::vector<ProfileEntry> entries;  ///< ascending by `at`, then as first read; each key once

  friend bool operator==(const BootProfile&, const BootProfile&) = default;
};

/// More of an image than a boot reads: 256 MiB. What is beyond it is the least useful part.
inline constexpr std::size_t max_profile_entries = 65536;
/// No boot takes longer: a week.
inline constexpr std::chrono::milliseconds longest_boot = std::chrono::hours(7 * 24);
inline constexpr std::uint32_t max_profile_boots = 65535;

/// At least one boot and one entry; entries ascending by time and within the bounds above, each in
/// at least one boot and in no more than were merged, each key once, blocks inside the largest
/// image. What every function here asks for, and what `decode_profile` makes sure of.
[[nodiscard]] bool is_valid(const BootProfile& profile);

}  // namespace weft::fetcher
