// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft {

/// Who made a boot profile.
enum class ProfileOrigin : std::uint8_t {
  recorded = 0,  ///< at a mount of this node
  peer = 1,      ///< a peer gave it; it goes when anything of its own is recorded
  imported = 2   ///< from a file
};

/// A row of `profile`, see schema.sql: one recording of an image's boot, or several merged into
/// one. The catalog only keeps it; what the bytes mean is said where they are made
/// (fetcher/profile).
struct ProfileRow {
  ProfileOrigin origin = ProfileOrigin::recorded;
  std::int64_t made = 0;  ///< seconds since 1970
  std::vector<std::byte> encoded;

  friend bool operator==(const ProfileRow&, const ProfileRow&) = default;
};

/// What the profiles kept may take.
struct ProfileLimits {
  std::uint64_t of_image = 8;  ///< rows of one image; the oldest go first
  std::uint64_t rows = 1024;   ///< of all images together
  ByteCount bytes{64u << 20};  ///< the same
};

}  // namespace weft
