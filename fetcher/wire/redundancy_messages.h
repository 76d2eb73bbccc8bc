// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/tree/image_id.h"

#include <cstddef>
#include <cstdint>
#include <vector>

/// The messages by which nodes find out what they hold of each other's images, in whatever image
/// it is (WIRE.md §9): signatures tell how much, have queries tell which blocks. Need
/// `feature_redundancy` on both sides.
namespace weft::fetcher::wire {

/// Bit of Hello's features: the sender answers SignatureRequest and HaveRequest.
inline constexpr std::uint64_t feature_redundancy = 1u << 0;

inline constexpr std::uint32_t max_signature_keys = 1u << 18;  ///< in the answer to one request
inline constexpr std::uint32_t max_signature_part = 1u << 17;  ///< bytes in a SignatureAnswer
inline constexpr std::uint32_t max_have_keys = 1u << 16;       ///< in a HaveRequest
inline constexpr std::uint32_t min_key_bytes = 4;              ///< of a key in a HaveRequest
inline constexpr std::uint32_t max_key_bytes = 8;

/// Asks for an image's signature: how much of it other images hold follows from that alone.
struct SignatureRequest {
  ImageId image;
  std::uint32_t max_keys = 0;  ///< of the answer; the peer samples by digest value
  friend bool operator==(const SignatureRequest&, const SignatureRequest&) = default;
};
/// A part of the bytes of `encode_signature`.
struct SignatureAnswer {
  bool more = false;  ///< further frames of this answer follow
  std::vector<std::byte> part;
  friend bool operator==(const SignatureAnswer&, const SignatureAnswer&) = default;
};

/// Asks which blocks the peer can serve, in whatever image.
struct HaveRequest {
  std::uint8_t key_bytes = 5;
  /// The first `key_bytes` bytes of each digest as a big-endian number; strictly ascending.
  std::vector<std::uint64_t> keys;
  friend bool operator==(const HaveRequest&, const HaveRequest&) = default;
};
struct HaveAnswer {
  std::vector<bool> held;  ///< for each key, in the order of the request
  friend bool operator==(const HaveAnswer&, const HaveAnswer&) = default;
};

}  // namespace weft::fetcher::wire
