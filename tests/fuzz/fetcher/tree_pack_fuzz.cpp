// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/pack_codec.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

// The first byte is the number of nodes, the second that of the prefix's, whose bytes count up; the
// rest is the frame a peer sent. Whatever unpacks has the size that was stated, and packs again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = weft::fetcher::wire;
  if (size < 2) return 0;
  const std::size_t count = data[0];
  std::vector<std::byte> prefix((data[1] % 16) * weft::block_size);
  for (std::size_t i = 0; i < prefix.size(); ++i)
    prefix[i] = static_cast<std::byte>(i * 7 + i / 32);
  const auto nodes =
      wire::unpack_nodes(prefix, std::as_bytes(std::span(data, size)).subspan(2), count);
  if (!nodes) return 0;
  if (nodes->size() != count * weft::block_size) std::abort();
  const auto again = wire::unpack_nodes(prefix, wire::pack_nodes(prefix, *nodes), count);
  if (!again || *again != *nodes) std::abort();
  return 0;
}
