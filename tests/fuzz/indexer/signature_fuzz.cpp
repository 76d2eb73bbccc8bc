// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/similarity/signature_codec.h"
#include "indexer/store/bytes.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

using namespace weft;

namespace {

void check(std::span<const std::byte> bytes) {
  const auto signature = decode_signature(bytes);
  if (!signature) return;
  WEFT_ASSERT(is_valid(*signature), "what is decoded keeps the rules");
  WEFT_ASSERT(signature->keys.size() <= bytes.size(), "no more keys than bytes");
  const auto again = decode_signature(encode_signature(*signature));
  WEFT_ASSERT(again && *again == *signature, "it survives a round trip");
  const Signature few = sampled(*signature, 8);
  WEFT_ASSERT(few.keys.size() <= 8, "samples are bounded");
  const Overlap own = overlap(*signature, few);
  WEFT_ASSERT(own.blocks <= static_cast<double>(signature->unique_blocks.value()),
              "no more shared than there is");
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
