// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weft {

/// The steps of SplitMix64's state: 2^64 over the golden ratio.
inline constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15U;

/// SplitMix64 at state `value`: a number that looks random, the same everywhere. Not for keys that
/// an adversary picks. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
  std::uint64_t z = value + golden_gamma;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace weft
