// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstddef>
#include <cstdint>
#include <vector>

/// The messages by which nodes tell each other what a boot of an image reads (WIRE.md §9.1). Need
/// `feature_profiles` on both sides.
namespace weft::fetcher::wire {

/// Bit of Hello's features: the sender answers ProfileRequest.
inline constexpr std::uint64_t feature_profiles = 1u << 3;

inline constexpr std::uint32_t max_entries_asked = 65536;    ///< in the answer to one request
inline constexpr std::uint32_t max_profile_part = 1u << 17;  ///< bytes in a ProfileAnswer

/// Asks for an image's boot profile.
struct ProfileRequest {
  ImageId image;
  bool relatives = false;         ///< or else that of the most similar image that has one
  std::uint32_t max_entries = 0;  ///< of the answer; what is needed least is left out
  friend bool operator==(const ProfileRequest&, const ProfileRequest&) = default;
};
/// A part of the bytes of `encode_profile`; they say which image it is of.
struct ProfileAnswer {
  bool more = false;  ///< further frames of this answer follow
  std::vector<std::byte> part;
  friend bool operator==(const ProfileAnswer&, const ProfileAnswer&) = default;
};

}  // namespace weft::fetcher::wire
