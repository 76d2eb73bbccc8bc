// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/pack_codec.h"

#include "fetcher/wire/tree_pack.h"
#include "indexer/core/assert.h"
#include "indexer/core/units.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace weft::fetcher::wire {
namespace {

constexpr int window_log = 25;  // reaches over the longest prefix and the most nodes
// 4 MiB at most: four times as much would save 0.02 B per known digest. Less where there is less to
// find, since clearing the table takes longer than packing a few nodes.
constexpr int most_hash_log = 20;
constexpr int least_hash_log = 14;
constexpr int min_match = 7;  // the longest there is

static_assert((max_prefix_nodes + max_packed_nodes) * block_size <= (1u << window_log));

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

int hash_log_for(std::size_t size) {
  return std::clamp(static_cast<int>(std::bit_width(size / 4)), least_hash_log, most_hash_log);
}

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  const std::size_t done = ZSTD_CCtx_setParameter(context, parameter, value);
  WEFT_ASSERT(ZSTD_isError(done) == 0, "zstd refuses a parameter");
}

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::decode, "tree pack: " + std::move(detail));
}

}  // namespace

std::vector<std::byte> pack_nodes(std::span<const std::byte> prefix,
                                  std::span<const std::byte> nodes) {
  WEFT_ASSERT(nodes.size() <= max_packed_nodes * block_size &&
                  prefix.size() <= max_prefix_nodes * block_size,
              "a pack is within the bounds of the protocol");
  // Not kept: a pack takes far longer than making a context, and 4 MiB a thread would add up.
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  set(context.get(), ZSTD_c_strategy, ZSTD_fast);
  set(context.get(), ZSTD_c_windowLog, window_log);
  set(context.get(), ZSTD_c_hashLog, hash_log_for(prefix.size() + nodes.size()));
  set(context.get(), ZSTD_c_minMatch, min_match);
  ZSTD_CCtx_refPrefix(context.get(), prefix.data(), prefix.size());
  // What does not compress is stored with 3 bytes for each 128 KiB.
  std::vector<std::byte> packed(max_pack_size(nodes.size() / block_size));
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), nodes.data(), nodes.size());
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  WEFT_ASSERT(ZSTD_isError(size) == 0, "any node can be packed");
  packed.resize(size);
  packed.shrink_to_fit();
  return packed;
}

Result<std::vector<std::byte>> unpack_nodes(std::span<const std::byte> prefix,
                                            std::span<const std::byte> packed, std::size_t count) {
  const std::size_t plain = count * block_size;
  if (count == 0 || count > max_packed_nodes || packed.size() > max_pack_size(count)) {
    return broken("out of the protocol's bounds");
  }
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != plain) {
    return broken("the zstd frame does not hold " + std::to_string(count) + " nodes");
  }
  if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
    return broken("the zstd frame is cut short or followed by other bytes");
  }
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log);
  ZSTD_DCtx_refPrefix(context.get(), prefix.data(), prefix.size());
  std::vector<std::byte> nodes(plain);
  const std::size_t size =
      ZSTD_decompressDCtx(context.get(), nodes.data(), nodes.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != plain) return broken("damaged zstd frame");
  return nodes;
}

}  // namespace weft::fetcher::wire
