// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"
#include "indexer/store/digest_index.h"
#include "tests/support/indexer/memory_file.h"

#include <cstdint>
#include <memory>
#include <span>

using namespace weft;

// An index of any bytes is refused or answers, and takes no more memory than the file has.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ImageId image;
  for (std::size_t i = 0; i < image.bytes.size(); ++i)
    image.bytes[i] = static_cast<std::uint8_t>(i);
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto index = DigestIndex::open(std::make_unique<test::MemoryFile>(bytes), image);
  if (!index) return 0;
  for (std::uint8_t i = 0; i < 32; ++i) {
    static_cast<void>((*index)->find(sha256(std::as_bytes(std::span(&i, 1)))));
  }
  return 0;
}
