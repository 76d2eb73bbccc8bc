// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/shares.h"

#include "fetcher/wire/messages.h"
#include "indexer/core/assert.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t most_pieces = 1u << 16;

}  // namespace

Jump jump(std::uint64_t key, std::uint32_t members) {
  WEFT_ASSERT(members > 0, "nobody to divide among");
  std::int64_t at = 0;
  std::int64_t next = 0;
  while (next < members) {
    at = next;
    key = key * 2862933555777941757U + 1;
    next = static_cast<std::int64_t>(
        static_cast<double>(at + 1) *
        (static_cast<double>(1LL << 31) / static_cast<double>((key >> 33U) + 1)));
  }
  return {static_cast<std::uint32_t>(at), static_cast<std::uint64_t>(next)};
}

std::uint32_t jump_hash(std::uint64_t key, std::uint32_t members) {
  return jump(key, members).member;
}

Pieces::Pieces(BlockCount blocks)
    : blocks_(blocks.value()),
      shift_(static_cast<unsigned>(std::countr_zero(std::bit_ceil(std::max<std::uint64_t>(
          wire::blocks_per_batch, (blocks.value() + most_pieces - 1) / most_pieces))))) {}

std::uint64_t Pieces::count() const {
  return (blocks_ + (std::uint64_t{1} << shift_) - 1) >> shift_;
}

BlockRange Pieces::range(std::uint64_t piece) const {
  const std::uint64_t first = piece << shift_;
  return BlockRange::between(BlockIndex(first),
                             BlockIndex(std::min(blocks_, first + (std::uint64_t{1} << shift_))));
}

std::vector<std::uint32_t> pieces_of(const Share& share, const Pieces& pieces) {
  std::vector<std::uint32_t> mine;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> staying;  // until, piece
  for (std::uint32_t piece = 0; piece < pieces.count(); ++piece) {
    if (share.members <= 1) {
      mine.push_back(piece);
    } else if (const Jump at = jump(mix(piece), share.members); at.member == share.slot) {
      staying.emplace_back(at.until, piece);
    }
  }
  std::ranges::sort(staying, std::ranges::greater{});
  for (const auto& [until, piece] : staying)
    mine.push_back(piece);
  return mine;
}

}  // namespace weft::fetcher
