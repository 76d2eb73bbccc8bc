// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_codec.h"
#include "fetcher/profile/profile_merge.h"
#include "indexer/core/assert.h"
#include "indexer/store/bytes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

using namespace weft;
using namespace weft::fetcher;

namespace {

void check(std::span<const std::byte> bytes) {
  const auto profile = decode_profile(bytes);
  if (!profile) return;
  WEFT_ASSERT(is_valid(*profile), "what is decoded keeps the rules");
  WEFT_ASSERT(profile->entries.size() <= bytes.size() / 11, "no more entries than bytes for them");
  const auto again = encode_profile(*profile);
  WEFT_ASSERT(std::ranges::equal(again, bytes), "it has one encoding");
  WEFT_ASSERT(again.size() <= max_encoded_profile(profile->entries.size()), "bounded in size");
  const std::array twice{*profile, *profile};
  WEFT_ASSERT(is_valid(merge_boots(twice, 3)), "merged ones keep the rules too");
}

}  // namespace

// Any bytes, as they are and with a right sum.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check(bytes);
  if (size < 8) return 0;
  std::vector<std::byte> sealed(bytes.begin(), bytes.end());
  layout::seal(sealed);
  check(sealed);
  return 0;
}
