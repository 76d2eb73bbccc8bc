// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <array>
#include <string>

// The read path. Nothing here waits for a lock, but for the first read from a lender.
namespace weft {
namespace {

constexpr std::uint64_t piece_blocks = 128;

std::unexpected<Error> missing(BlockIndex block) {
  return fail(Errc::not_resident, Operation::read, "block " + std::to_string(block.value()));
}

}  // namespace

Result<void> PackImage::read(ByteOffset offset, std::span<std::byte> out) {
  const ByteOffset end = offset_of(all_blocks().end());
  if (offset >= end) {
    std::ranges::fill(out, std::byte{0});
    return {};
  }
  const std::size_t inside = std::min<std::uint64_t>(out.size(), (end - offset).value());
  std::ranges::fill(out.subspan(inside), std::byte{0});
  out = out.first(inside);

  // Everything in the own pack and compared before: one read of exactly these bytes.
  const BlockRange range = blocks_touched(offset, ByteCount(out.size()));
  if (pack_->map.own.contains_all(range) && pack_->map.checked.contains_all(range)) {
    const auto got = pack_->own().read_at(offset, out);
    if (got && *got == out.size()) return {};
    // A bad sector, or a pack cut short: block by block below.
    pack_->map.checked.erase(range);
  }

  if (const std::size_t skip = offset.value() % block_size; skip != 0 || out.size() < block_size) {
    const std::size_t head = std::min<std::size_t>(out.size(), block_size - skip);
    WEFT_CHECK(read_partial(block_of(offset), skip, out.first(head)));
    offset += ByteCount(head);
    out = out.subspan(head);
  }
  const std::size_t whole = out.size() / block_size * block_size;
  WEFT_CHECK(read_whole(block_of(offset), out.first(whole)));
  if (whole == out.size()) return {};
  return read_partial(block_of(offset + ByteCount(whole)), 0, out.subspan(whole));
}

// Part of a block that has to be compared: the whole of it is read.
Result<void> PackImage::read_partial(BlockIndex block, std::size_t skip, std::span<std::byte> out) {
  alignas(64) std::array<std::byte, block_size> bytes;
  WEFT_CHECK(read_whole(block, bytes));
  std::ranges::copy(std::span(bytes).subspan(skip, out.size()), out.begin());
  return {};
}

Result<void> PackImage::read_whole(BlockIndex first, std::span<std::byte> out) {
  while (!out.empty()) {
    const BlockCount count(std::min(piece_blocks, out.size() / block_size));
    const auto run = pack_->map.leading_run({first, count});
    const auto part = out.first(bytes_of(run.range.count).value());
    if (run.place == Place::missing) return missing(first);
    if (run.place == Place::zero) {
      std::ranges::fill(part, std::byte{0});
    } else {
      WEFT_CHECK(read_run(run.place, first, part));
    }
    first = run.range.end();
    out = out.subspan(part.size());
  }
  return {};
}

// A run of blocks from one place, at most `piece_blocks`.
Result<void> PackImage::read_run(Place place, BlockIndex first, std::span<std::byte> out) {
  const auto got =
      place == Place::borrowed ? read_borrowed(first, out) : pack_->read_blocks(place, first, out);
  if (got) return check(place, first, out);
  if (out.size() == block_size) {
    lose(place, first);
    return fail(Errc::not_resident, Operation::read,
                "block " + std::to_string(first.value()) + ": " + got.error().message());
  }
  // Find out which of them cannot be read.
  for (std::size_t at = 0; at < out.size(); at += block_size) {
    WEFT_CHECK(read_run(place, first + BlockCount(at / block_size), out.subspan(at, block_size)));
  }
  return {};
}

Result<void> PackImage::read_borrowed(BlockIndex first, std::span<std::byte> out) {
  while (!out.empty()) {
    const auto run = borrow_map_.find(first);
    if (!run) return missing(first);
    WEFT_TRY(Lender* const lender, run->lender->get(env_.desk));
    const auto part =
        out.first(std::min<std::size_t>(out.size(), bytes_of(run->blocks.count).value()));
    WEFT_CHECK(lender->read_lent(run->source, part));
    first += BlockCount(part.size() / block_size);
    out = out.subspan(part.size());
  }
  return {};
}

// Compares blocks with their sums, or with their digests where a sum is not known or not enough:
// what was borrowed has been another image's until its first read here.
Result<void> PackImage::check(Place place, BlockIndex first, std::span<std::byte> bytes) {
  const BlockRange range{first, BlockCount(bytes.size() / block_size)};
  ResidencyMap& map = pack_->map;
  const bool once = place == Place::own;
  if (once && map.checked.contains_all(range)) return {};

  std::array<std::uint64_t, piece_blocks> sums;
  sums_.load(first, std::span(sums).first(range.count.value()));
  std::array<Digest, piece_blocks> digests;
  bool digests_loaded = false;
  std::optional<BlockIndex> lost;
  for (std::uint64_t i = 0; i < range.count.value(); ++i) {
    const BlockIndex block = first + BlockCount(i);
    const auto one = bytes.subspan(i * block_size, block_size);
    const bool checked = map.checked.contains(block);
    if (once && checked) continue;
    const bool sum_is_enough = sums[i] != 0 && (place != Place::borrowed || checked);
    if (sum_is_enough && xxh3(one) == sums[i]) {
      if (!checked) map.checked.insert({block, BlockCount(1)});
      continue;
    }
    if (!digests_loaded) {
      const auto known = tree_.block_digests(first, std::span(digests).first(range.count.value()));
      digests_loaded = known.has_value();
    }
    if (digests_loaded && check_by_digest(place, block, one, digests[i])) continue;
    lose(place, block);
    if (!lost) lost = block;
  }
  if (!lost) return {};
  return fail(Errc::not_resident, Operation::read,
              "block " + std::to_string(lost->value()) + " fails its check");
}

bool PackImage::check_by_digest(Place place, BlockIndex block, std::span<std::byte> bytes,
                                const Digest& digest) {
  ResidencyMap& map = pack_->map;
  if (digest_of_block(bytes) != digest) {
    if (!digest.is_zero()) return false;
    // Damage where a zero block should be: what it must be is known.
    std::ranges::fill(bytes, std::byte{0});
    if (mark_zero({block, BlockCount(1)})) implied_zero_.fetch_sub(1, std::memory_order_relaxed);
    lose(place, block);
    return true;
  }
  if (!digest.is_zero()) {
    const std::uint64_t sum = xxh3(bytes);
    // Without its sum the block is hashed again next time.
    if (!sums_.store(block, {&sum, 1})) return true;
  }
  map.checked.insert({block, BlockCount(1)});
  return true;
}

void PackImage::lose(Place place, BlockIndex block) {
  if (full_from_header_.exchange(false)) mark_everything_dirty();
  // Nothing was set, so a failure to write the header leaves nothing to be recovered.
  [[maybe_unused]] const auto unclean = make_unclean();
  ResidencyMap& map = pack_->map;
  const BlockRange one{block, BlockCount(1)};
  BlockSet& set = place == Place::own      ? map.own
                  : place == Place::source ? map.source
                                           : map.borrowed;
  map.checked.erase(one);
  if (set.erase(one) == BlockCount(0)) return;
  if (place == Place::own) mark_dirty(MapPlane::own, one);
  lost_.fetch_add(1, std::memory_order_relaxed);
  changed();
}

}  // namespace weft
