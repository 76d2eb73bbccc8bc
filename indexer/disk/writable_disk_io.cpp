// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"
#include "indexer/disk/writable_disk.h"

#include <algorithm>
#include <array>
#include <cstring>

// Reads and changes of a disk.
namespace weft {
namespace {

class OfImage final : public BlocksBelow {
 public:
  explicit OfImage(LocalImage& image) : image_(image) {}
  Result<void> read(ByteOffset offset, std::span<std::byte> out) const override {
    return image_.read(offset, out);
  }

 private:
  LocalImage& image_;
};

/// As much of it as lies in one of the units that the disk is divided into.
BlockRange leading_part(BlockRange range, std::uint64_t unit) {
  const BlockIndex end((range.first.value() / unit + 1) * unit);
  return BlockRange::between(range.first, std::min(end, range.end()));
}

ByteOffset end_of(BlockIndex block, ByteCount size) {
  return ByteOffset(std::min(offset_of(block + BlockCount(1)).value(), size.value()));
}

}  // namespace

struct WritableDisk::Edges {
  struct Block {
    BlockIndex index;
    std::array<std::byte, block_size> bytes;
  };
  std::optional<Block> head, tail;
};

Result<void> WritableDisk::check_range(ByteOffset offset, std::uint64_t length) const {
  if (offset.value() <= size_.value() && length <= size_.value() - offset.value()) return {};
  return fail(Errc::bad_request, Operation::write, "disk " + name_ + ": past its end");
}

bool WritableDisk::readable(BlockRange range) const noexcept {
  while (!range.empty()) {
    const auto run = map_.leading_run(range);
    if (run.place == DiskPlace::below && !base_->readable(run.range)) return false;
    range = BlockRange::between(run.range.end(), range.end());
  }
  return true;
}

BlockRange WritableDisk::missing_within(BlockRange range) const {
  std::optional<BlockIndex> first;
  BlockIndex end = range.first;
  for (BlockRange rest = range; !rest.empty();) {
    const auto run = map_.leading_run(rest);
    rest = BlockRange::between(run.range.end(), rest.end());
    if (run.place != DiskPlace::below) continue;
    for (BlockRange below = run.range;;) {
      const auto missing = base_->next_missing(below);
      if (!missing) break;
      if (!first) first = missing->first;
      end = missing->end();
      below = BlockRange::between(end, below.end());
    }
  }
  return first ? BlockRange::between(*first, end) : BlockRange{range.first, BlockCount(0)};
}

std::optional<BlockRange> WritableDisk::next_data(BlockRange range) const {
  while (!range.empty()) {
    const auto run = map_.leading_run(range);
    if (run.place == DiskPlace::written) return run.range;
    if (run.place == DiskPlace::below) {
      if (const auto data = base_->next_data(run.range)) return data;
    }
    range = BlockRange::between(run.range.end(), range.end());
  }
  return std::nullopt;
}

Result<void> WritableDisk::read_pack(ByteOffset offset, std::span<std::byte> out) const {
  WEFT_TRY(const std::size_t got, pack_->read_at(offset, out));
  if (got == out.size()) return {};
  return fail(Errc::damaged_state, Operation::read, "the pack of disk " + name_ + " is too short");
}

Result<void> WritableDisk::read(ByteOffset offset, std::span<std::byte> out) const {
  return read(offset, out, OfImage(*base_));
}

Result<void> WritableDisk::read(ByteOffset offset, std::span<std::byte> out,
                                const BlocksBelow& below) const {
  while (!out.empty()) {
    const auto run = map_.leading_run(blocks_touched(offset, ByteCount(out.size())));
    const std::uint64_t end = offset_of(run.range.end()).value();
    const auto part = out.first(std::min<std::uint64_t>(out.size(), end - offset.value()));
    if (run.place == DiskPlace::written) {
      WEFT_CHECK(read_pack(offset, part));
    } else if (run.place == DiskPlace::zero) {
      std::memset(part.data(), 0, part.size());
    } else {
      WEFT_CHECK(below.read(offset, part));
    }
    offset += ByteCount(part.size());
    out = out.subspan(part.size());
  }
  return {};
}

Result<void> WritableDisk::read_block(BlockIndex block, std::span<std::byte> out,
                                      const BlocksBelow& below) const {
  return read(offset_of(block), out, below);
}

// Blocks that a change covers whole; the last one of the disk may be shorter than others.
BlockRange WritableDisk::whole_blocks(ByteOffset offset, ByteCount length) const {
  const ByteOffset end = offset + length;
  const BlockIndex first(blocks_for(ByteCount(offset.value())).value());
  const BlockIndex past =
      end.value() == size_.value() ? BlockIndex(blocks_for(size_).value()) : block_of(end);
  return BlockRange::between(first, past);
}

std::vector<BlockIndex> WritableDisk::missing_for(ByteOffset offset, ByteCount length) const {
  const BlockRange touched = blocks_touched(offset, length);
  const BlockRange whole = whole_blocks(offset, length);
  std::vector<BlockIndex> missing;
  const auto look_at = [&](BlockIndex block) {
    if (!whole.contains(block) && map_.place(block) == DiskPlace::below &&
        !base_->readable({block, BlockCount(1)}))
      missing.push_back(block);
  };
  if (touched.empty()) return missing;
  look_at(touched.first);
  if (touched.count > BlockCount(1)) look_at(touched.end() - BlockCount(1));
  return missing;
}

// What the first and the last block hold after the change; `bytes` null: zeros.
Result<WritableDisk::Edges> WritableDisk::edges_of(ByteOffset offset, std::uint64_t length,
                                                   const std::byte* bytes,
                                                   const BlocksBelow& below) const {
  Edges edges;
  const BlockRange touched = blocks_touched(offset, ByteCount(length));
  const BlockRange whole = whole_blocks(offset, ByteCount(length));
  const auto fill = [&](std::optional<Edges::Block>& edge, BlockIndex block) -> Result<void> {
    if (bytes == nullptr && map_.place(block) == DiskPlace::zero) return {};
    edge.emplace();
    edge->index = block;
    WEFT_CHECK(read_block(block, edge->bytes, below));
    const std::uint64_t from = std::max(offset.value(), offset_of(block).value());
    const std::uint64_t to = std::min(offset.value() + length, end_of(block, size_).value());
    std::byte* const at = edge->bytes.data() + from % block_size;
    if (bytes == nullptr) {
      std::memset(at, 0, to - from);
    } else {
      std::memcpy(at, bytes + (from - offset.value()), to - from);
    }
    return {};
  };
  const BlockIndex last = touched.end() - BlockCount(1);
  if (!whole.contains(touched.first)) WEFT_CHECK(fill(edges.head, touched.first));
  if (last != touched.first && !whole.contains(last)) WEFT_CHECK(fill(edges.tail, last));
  return edges;
}

// Blocks that are in the pack already take no more.
Result<void> WritableDisk::reserve(BlockRange touched) {
  if (space_ == nullptr || map_.all_in(touched, DiskPlace::written)) return {};
  BlockCount more = touched.count;
  for (BlockRange rest = touched; const auto run = map_.next(rest, DiskPlace::written);) {
    more -= run->count;
    rest = BlockRange::between(run->end(), rest.end());
  }
  return space_->reserve(bytes_of(more));
}

// Whole blocks: a block is never torn.
Result<void> WritableDisk::write_edges(const Edges& edges) {
  for (const auto* edge : {&edges.head, &edges.tail}) {
    if (*edge) WEFT_CHECK(pack_->write_at(offset_of((*edge)->index), (*edge)->bytes));
  }
  return {};
}

// In the live map first: what a successor of this process finds must be what is read here. Chunk by
// chunk: the words of one are in one page of that file, which is written or is not, so that after
// an error both maps still say the same.
Result<void> WritableDisk::move_to(BlockRange range, DiskPlace place) {
  while (!range.empty()) {
    const BlockRange part = leading_part(range, DiskMap::chunk_blocks);
    range = BlockRange::between(part.end(), range.end());
    if (map_.all_in(part, place)) continue;
    WEFT_CHECK(live_->set(map_, part, place));
    map_.set(part, place);
    mark_dirty(part);
  }
  return {};
}

Result<void> WritableDisk::write(ByteOffset offset, std::span<const std::byte> bytes) {
  return write(offset, bytes, OfImage(*base_));
}

Result<void> WritableDisk::write(ByteOffset offset, std::span<const std::byte> bytes,
                                 const BlocksBelow& below) {
  WEFT_CHECK(check_range(offset, bytes.size()));
  if (bytes.empty()) return {};
  const BlockRange touched = blocks_touched(offset, ByteCount(bytes.size()));
  const SharedLock gate(gate_);
  const RegionLocks::Guard held(regions_, touched);
  // Before what is missing is fetched in vain.
  WEFT_CHECK(reserve(touched));
  WEFT_TRY(const Edges edges, edges_of(offset, bytes.size(), bytes.data(), below));
  if (snapshot_) snapshot_->keep(touched, *pack_);
  const auto done = [&]() -> Result<void> {
    const BlockRange whole = whole_blocks(offset, ByteCount(bytes.size()));
    WEFT_CHECK(write_edges(edges));
    if (!whole.empty()) {
      const std::uint64_t at = offset_of(whole.first).value();
      const std::uint64_t length =
          std::min(bytes_of(whole.count).value(), offset.value() + bytes.size() - at);
      WEFT_CHECK(pack_->write_at(ByteOffset(at), bytes.subspan(at - offset.value(), length)));
    }
    return move_to(touched, DiskPlace::written);
  }();
  // After the change, not before: a flush in between would take the mark and miss the change.
  unflushed_ = true;
  return done;
}

Result<void> WritableDisk::zero(ByteOffset offset, ByteCount length) {
  return zero(offset, length, OfImage(*base_));
}

Result<void> WritableDisk::zero(ByteOffset offset, ByteCount length, const BlocksBelow& below) {
  WEFT_CHECK(check_range(offset, length.value()));
  if (length == ByteCount(0)) return {};
  // Only to see that both ends can be read: else nothing is to be changed.
  WEFT_CHECK(edges_of(offset, length.value(), nullptr, below));
  const ByteOffset end = offset + length;
  while (offset < end) {
    WEFT_TRY(offset, zero_some(offset, end, below));
  }
  return {};
}

// Up to the end of a chunk or, where a snapshot must be given the blocks first, of a region: a
// discard of a whole disk holds nobody up for long. Returns where it ended.
Result<ByteOffset> WritableDisk::zero_some(ByteOffset offset, ByteOffset end,
                                           const BlocksBelow& below) {
  const SharedLock gate(gate_);
  const BlockRange all = blocks_touched(offset, ByteCount(end.value() - offset.value()));
  const BlockRange touched =
      leading_part(all, snapshot_ ? DiskMap::region_blocks : DiskMap::chunk_blocks);
  end = std::min(end, offset_of(touched.end()));
  const ByteCount length(end.value() - offset.value());
  const BlockRange whole = whole_blocks(offset, length);
  const RegionLocks::Guard held(regions_, touched);
  WEFT_TRY(const Edges edges, edges_of(offset, length.value(), nullptr, below));
  if (snapshot_) snapshot_->keep(touched, *pack_);
  const auto done = [&]() -> Result<void> {
    WEFT_CHECK(write_edges(edges));
    for (const auto* edge : {&edges.head, &edges.tail}) {
      if (*edge) WEFT_CHECK(move_to({(*edge)->index, BlockCount(1)}, DiskPlace::written));
    }
    if (whole.empty()) return {};
    std::vector<BlockRange> written;
    for (BlockRange rest = whole; const auto run = map_.next(rest, DiskPlace::written);) {
      written.push_back(*run);
      rest = BlockRange::between(run->end(), rest.end());
    }
    WEFT_CHECK(move_to(whole, DiskPlace::zero));
    give_back(written);
    return {};
  }();
  unflushed_ = true;
  WEFT_CHECK(done);
  return end;
}

// The durable map may still say that they are written. After a cut they are then zeros, which is
// what they were told to be, or what they held before. What cannot be given back stays, unread.
void WritableDisk::give_back(std::span<const BlockRange> runs) {
  for (const BlockRange& run : runs) {
    if (!pack_->punch({offset_of(run.first), bytes_of(run.count)})) return;
  }
}

}  // namespace weft
