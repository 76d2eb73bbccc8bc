// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace weft::fetcher::plan {

/// A number that looks random but is always the same for `x`: plans are reproducible. SplitMix64
/// (S. Vigna, after G. Steele et al., OOPSLA 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

}  // namespace weft::fetcher::plan
