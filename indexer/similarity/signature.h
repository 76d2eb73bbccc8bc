// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// What an image holds, small enough to be sent: from signatures alone any node can tell what
/// images share. Pure; all functions are thread-safe.
namespace weft {

/// The digests of an image's data blocks, each cut to its first 8 bytes as a big-endian number (a
/// *key*), ascending, each once: all of them (`shift` 0, a *full* signature) or those below
/// 2^(64 - shift) (*sampled*: a fraction of 2^-shift of them).
///
/// *Rationale:* keys are uniform, and whether one is kept depends on its value alone, so the same
/// blocks are sampled in every image, and signatures of different shifts are compared at the higher
/// one. This is adaptive sampling (M. Wegman, 1984; P. Flajolet, "On adaptive sampling", Computing
/// 43, 1990), also known as distinct sampling (P. Gibbons, VLDB 2001). It differs from bottom-k
/// sketches (E. Cohen and H. Kaplan, PODC 2007) in that the threshold is one of 65 that all images
/// share.
struct Signature {
  ImageId image{};
  unsigned shift = 0;          ///< 0 to `max_signature_shift`
  BlockCount unique_blocks{};  ///< distinct data blocks of the whole image, counted by key
  std::vector<std::uint64_t> keys{};

  [[nodiscard]] bool is_full() const noexcept { return shift == 0; }
  friend bool operator==(const Signature&, const Signature&) = default;
};

/// Leaves keys of 16 bits: below any sampling that is of use.
inline constexpr unsigned max_signature_shift = 48;

/// The highest key of a signature of this shift.
[[nodiscard]] constexpr std::uint64_t last_key(unsigned shift) noexcept {
  return ~std::uint64_t{0} >> shift;
}

/// Keys ascending and within the shift, as many as the number of blocks allows. What every function
/// here asks for, and what `decode_signature` makes sure of.
[[nodiscard]] bool is_valid(const Signature& signature) noexcept;

/// The keys of `signature` below the threshold of `shift`, which is not below its own.
[[nodiscard]] std::span<const DigestKey> keys_at(const Signature& signature, unsigned shift);
/// The same as a signature of its own.
[[nodiscard]] Signature at_shift(const Signature& signature, unsigned shift);

/// The signature at the lowest shift that leaves `max_keys` keys or fewer, and not below its own.
/// If even the highest leaves more (keys that are no digests), the first `max_keys` of those.
[[nodiscard]] Signature sampled(const Signature& signature, std::size_t max_keys);

/// How many distinct blocks two images share.
///
/// At the higher shift s of both, let n be the unique blocks of the smaller image, a the number of
/// its keys, m how many of those the other image has. The estimate is n × m / a.
///
/// *Unbiased.* From one shift to the next every key stays with probability 1/2, independently.
/// Given the a that stay, they are a random subset of those before, so m / a keeps its expected
/// value (hypergeometric): it is a martingale in s that starts at the true ratio. Whatever made the
/// two signatures stop at their shifts looked at no further keys than those of shifts up to s, so s
/// is a stopping time and E[n m / a] is the true number (optional stopping). The plain estimate m ×
/// 2^s is unbiased too, but has the variance of a itself on top: for images that share 90 % ten
/// times as much.
///
/// *Standard error.* n × sqrt(q (1 - q) / a × (1 - a / n)): the hypergeometric one, with q = (m +
/// 3) / (a + 6) instead of m / a, so that nothing found is not taken for certain nothing (after A.
/// Agresti and B. Coull, 1998, who move the centre of the interval, too; 3 makes up for not doing
/// so). From 16 keys on, at least 92 % of all estimates are within two of it and 98 % within three,
/// whatever the truth; with many keys, 95 and 99.7 %.
///
/// If no key of the smaller image is left (a = 0), nothing is known: 0 blocks with an error of n.
struct Overlap {
  double blocks = 0;          ///< expected number of shared distinct blocks
  double standard_error = 0;  ///< in blocks; 0 = exact
  unsigned shift = 0;         ///< at which the two were compared

  [[nodiscard]] bool is_exact() const noexcept { return shift == 0; }
};

/// Exact if both are full. Takes time for one pass over the keys below the common threshold, or for
/// a search in the longer list for each key of a much shorter one.
[[nodiscard]] Overlap overlap(const Signature& a, const Signature& b);

/// A number of blocks of which `kept` are below the threshold of `shift`: kept × 2^shift, unbiased
/// for the same reason. Its standard error is 2^shift × sqrt((kept + 3) (1 - 2^-shift)), that of a
/// binomial count; it covers the truth as often as that of Overlap.
struct Estimate {
  double blocks = 0;
  double standard_error = 0;  ///< 0 = exact
};
[[nodiscard]] Estimate estimate_blocks(std::uint64_t kept, unsigned shift);

/// The estimate from counts, for those who have compared the keys already. `kept` of the `blocks`
/// distinct blocks of the smaller image were looked at, `shared` of them are in the other.
[[nodiscard]] Overlap estimate_overlap(BlockCount blocks, std::uint64_t kept, std::uint64_t shared,
                                       unsigned shift);

}  // namespace weft
