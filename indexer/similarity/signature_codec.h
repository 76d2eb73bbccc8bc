// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/similarity/signature.h"

#include <cstddef>
#include <span>
#include <vector>

/// Signatures as bytes, for peers and for the catalog. The format, with its reasons, is in
/// SIGNATURE_FORMAT.md. Pure.
namespace weft {

/// Whatever the keys are, an encoded signature of n keys is not longer than this; digests take
/// about 66 - shift - log2(n) bits each (5.7 bytes for 16384 keys of a million blocks).
[[nodiscard]] constexpr std::size_t max_encoded_signature(std::size_t n) noexcept {
  return 72 + (n * 67 + 7) / 8;
}
/// The most keys for which the encoded signature is surely not longer than `bytes`.
[[nodiscard]] constexpr std::size_t keys_that_fit(std::size_t bytes) noexcept {
  return bytes <= 72 ? 0 : (bytes - 72) * 8 / 67;
}

/// `signature` is valid.
[[nodiscard]] std::vector<std::byte> encode_signature(const Signature& signature);

/// A valid signature, and the one that was encoded: every number is checked before memory is taken
/// for it, at most 8 × bytes.size().
/// Errc::newer_state: of a later version; damaged_state: cut short, fails its sum, or breaks a
/// rule.
[[nodiscard]] Result<Signature> decode_signature(std::span<const std::byte> bytes);

}  // namespace weft
