// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/batch.h"
#include "fetcher/wire/bounds.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

// The first byte: how many blocks the batch claims, and whether it is compressed; the rest: its
// packed bytes. Unpacking gives exactly the blocks claimed, or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  namespace wire = weft::fetcher::wire;
  if (size < 1) return 0;
  const auto packed = std::as_bytes(std::span(data, size)).subspan(1);
  wire::BlockBatch batch;
  batch.compressed = (data[0] & 0x80) != 0;
  batch.ranges = {{BlockIndex(3), BlockCount(data[0] & 0x7fu)}};
  batch.packed.assign(packed.begin(), packed.end());
  const bool bounded = wire::in_bounds(batch);
  const auto blocks = wire::unpack(std::move(batch));
  if (blocks && !bounded) std::abort();
  if (blocks && blocks->size() != (data[0] & 0x7fu) * block_size) std::abort();
  return 0;
}
