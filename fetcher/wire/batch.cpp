// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/batch.h"

#include "fetcher/wire/bounds.h"
#include "indexer/core/assert.h"

#include <zstd.h>

#include <memory>
#include <new>
#include <string>
#include <utility>

namespace weft::fetcher::wire {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Making a context costs more than compressing a batch.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::decode, "block batch: " + std::move(detail));
}

}  // namespace

Packed pack(std::span<const std::byte> blocks, int level) {
  WEFT_ASSERT(blocks.size() % block_size == 0 && blocks.size() <= blocks_per_batch * block_size,
              "a batch is made of whole blocks, up to the protocol's bound");
  if (level > 0 && !blocks.empty()) {
    // A buffer smaller than the worst case makes zstd give up early on what does not compress.
    std::vector<std::byte> bytes(blocks.size() - blocks.size() / 32);
    const std::size_t size = ZSTD_compressCCtx(compressor(), bytes.data(), bytes.size(),
                                               blocks.data(), blocks.size(), level);
    if (ZSTD_isError(size) == 0) {
      bytes.resize(size);
      return {.compressed = true, .bytes = std::move(bytes)};
    }
  }
  return {.compressed = false, .bytes = {blocks.begin(), blocks.end()}};
}

Result<std::vector<std::byte>> unpack(BlockBatch batch) {
  if (!in_bounds(batch)) return broken("out of the protocol's bounds");
  if (!batch.compressed) return std::move(batch.packed);
  const std::size_t plain = total_blocks(batch.ranges) * block_size;
  const auto& packed = batch.packed;
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != plain) {
    return broken("the zstd frame does not hold " + std::to_string(plain) + " bytes");
  }
  if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
    return broken("the zstd frame is cut short or followed by other bytes");
  }
  std::vector<std::byte> blocks(plain);
  const std::size_t size = ZSTD_decompressDCtx(decompressor(), blocks.data(), blocks.size(),
                                               packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != plain) return broken("damaged zstd frame");
  return blocks;
}

}  // namespace weft::fetcher::wire
