// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weft {

PackImage::PackImage(ImageEnvironment environment, const CatalogImage& row, const ImagePaths& paths,
                     Files files)
    : env_(environment),
      row_(row),
      paths_(paths),
      pack_(std::move(files.pack)),
      tree_(std::move(files.tree), row.info),
      sums_(std::move(files.sums)),
      dirty_own_(BlockCount(pack_->map.own.chunks())),
      dirty_zero_(BlockCount(pack_->map.own.chunks())),
      tree_known_to_(0),
      looked_at_(BlockCount(tree_.shape().nodes_at(1))),
      background_{BlockIndex(0), BlockCount(0)},
      borrow_map_(blocks_for(row.info.size)),
      borrow_file_(std::move(files.borrow)),
      map_file_(std::move(files.map)) {}

Result<Digest> PackImage::block_digest(BlockIndex block) {
  if (!all_blocks().contains(block)) {
    return fail(Errc::bad_request, Operation::read, "block beyond the image's end");
  }
  return tree_.block_digest(block);
}

Result<NodeBytes> PackImage::node(TreeNode node) {
  if (!shape().contains(node)) {
    return fail(Errc::bad_request, Operation::read, "no such tree node");
  }
  return tree_.load(node);
}

Result<std::optional<TreeNode>> PackImage::first_missing_node(BlockIndex block) {
  if (!all_blocks().contains(block)) {
    return fail(Errc::bad_request, Operation::read, "block beyond the image's end");
  }
  return tree_.first_absent(block);
}

bool PackImage::readable(BlockRange range) const noexcept {
  return pack_->map.readable(intersect(range, all_blocks()));
}

bool PackImage::borrows(BlockRange range) const noexcept {
  const ResidencyMap& map = pack_->map;
  range = intersect(range, all_blocks());
  if (map.own.contains_all(range)) return false;
  while (const auto block = map.borrowed.next(range)) {
    if (!map.own.contains(*block)) return true;
    range = BlockRange::between(*block + BlockCount(1), range.end());
  }
  return false;
}

std::optional<BlockRange> PackImage::next_missing(BlockRange range) const {
  return pack_->map.next_missing(intersect(range, all_blocks()));
}

std::optional<BlockRange> PackImage::next_data(BlockRange range) {
  range = intersect(range, all_blocks());
  if (range.empty()) return std::nullopt;
  auto data = tree_.next_data(range);
  // A tree that cannot be read proves nothing to be zero.
  return data ? *data : std::optional(range);
}

bool PackImage::seems_complete() const {
  const ResidencyMap& map = pack_->map;
  const BlockCount claimed =
      map.own.count() + map.zero.count() + map.source.count() + map.borrowed.count();
  // Claims may overlap, so that the sum only rules out.
  return claimed >= shape().blocks() && map.readable(all_blocks());
}

ByteCount PackImage::physical_size() const {
  ByteCount sum;
  const auto add = [&](File& file) {
    if (const auto stat = file.stat()) sum += stat->allocated;
  };
  add(pack_->own());
  add(const_cast<TreeFile&>(tree_).file());
  add(sums_.file());
  add(const_cast<MapFile&>(map_file_).file());
  if (const auto index = this->index()) {
    add(index->file());
  } else if (const auto unused = env_.fs.open(paths_.index, OpenMode::read)) {
    add(**unused);
  }
  const Lock lock(borrow_mutex_);
  add(const_cast<BorrowFile&>(borrow_file_).file());
  return sum;
}

ImageUsage PackImage::usage() const {
  const ResidencyMap& map = pack_->map;
  ImageUsage u;
  u.total = shape().blocks();
  u.missing = map.count_missing(all_blocks());
  // Claims may overlap for a moment; each block is counted once, and `missing` is exact.
  BlockCount rest = u.total - u.missing;
  const auto take = [&](BlockCount claimed) {
    const BlockCount taken = std::min(claimed, rest);
    rest -= taken;
    return taken;
  };
  u.zero = take(map.zero.count() + BlockCount(implied_zero_.load(std::memory_order_relaxed)));
  u.borrowed = take(map.borrowed.count());
  u.resident = rest;
  u.physical = physical_size();
  u.complete = u.missing == BlockCount(0);
  return u;
}

void PackImage::mark_dirty(MapPlane plane, BlockRange blocks) {
  if (blocks.empty()) return;
  const auto first = BlockIndex(blocks.first.value() / BlockSet::chunk_blocks);
  const auto last = BlockIndex((blocks.end().value() - 1) / BlockSet::chunk_blocks);
  auto& dirty = plane == MapPlane::own ? dirty_own_ : dirty_zero_;
  dirty.insert(BlockRange::between(first, last + BlockCount(1)));
}

void PackImage::mark_everything_dirty() {
  mark_dirty(MapPlane::own, all_blocks());
  mark_dirty(MapPlane::zero, all_blocks());
}

std::vector<MapFile::ChunkSnapshot> PackImage::take_dirty() {
  std::vector<MapFile::ChunkSnapshot> chunks;
  for (const MapPlane plane : {MapPlane::own, MapPlane::zero}) {
    auto& dirty = plane == MapPlane::own ? dirty_own_ : dirty_zero_;
    if (dirty.count() == BlockCount(0)) continue;
    each_word({BlockIndex(0), dirty.blocks()}, [&](std::uint64_t w, std::uint64_t mask) {
      for (std::uint64_t bits = dirty.word(w) & mask; bits != 0; bits &= bits - 1) {
        const std::uint64_t chunk = w * 64 + static_cast<std::uint64_t>(std::countr_zero(bits));
        // Unmarked before it is copied: what is set later marks it again.
        dirty.erase({BlockIndex(chunk), BlockCount(1)});
        chunks.push_back(MapFile::snapshot(pack_->map, plane, chunk));
      }
      return true;
    });
  }
  return chunks;
}

void PackImage::put_back(std::span<const MapFile::ChunkSnapshot> chunks) {
  for (const auto& c : chunks) {
    auto& dirty = c.plane == MapPlane::own ? dirty_own_ : dirty_zero_;
    dirty.insert({BlockIndex(c.chunk), BlockCount(1)});
  }
}

Result<void> PackImage::flush() {
  {
    const Lock lock(flush_mutex_);
    const bool dirty = dirty_own_.count() != BlockCount(0) || dirty_zero_.count() != BlockCount(0);
    if (!clean_.load() || dirty) {
      const auto chunks = take_dirty();
      if (auto written = write_down(chunks); !written) {
        put_back(chunks);
        return written;
      }
    }
  }
  // Everything is durable; an index that cannot be made only hides this image from others.
  static_cast<void>(refresh_index(false));
  announce_growth();
  return {};
}

Result<void> PackImage::write_down(std::span<const MapFile::ChunkSnapshot> chunks) {
  WEFT_CHECK(pack_->own().sync());
  WEFT_CHECK(sums_.sync());
  WEFT_CHECK(tree_.sync());
  {
    const Lock lock(borrow_mutex_);
    WEFT_CHECK(borrow_file_.sync());
  }
  WEFT_CHECK(map_file_.write(chunks));
  WEFT_TRY([[maybe_unused]] const bool clean, finish_header());
  return map_file_.sync();
}

Result<bool> PackImage::finish_header() {
  const Lock lock(header_mutex_);
  const ResidencyMap& map = pack_->map;
  MapHeader header = map_file_.header();
  const BlockCount implied(implied_zero_.load(std::memory_order_relaxed));
  header.complete = seems_complete();
  header.full = header.complete && !row_.in_place && map.borrowed.count() == BlockCount(0);
  header.implied_zero = header.full ? implied + map.zero.count() : implied;
  // An operation that is at work sees `clean_` and writes the header again, or is seen here.
  clean_.store(true);
  header.clean = writing_.load() == 0 && dirty_own_.count() == BlockCount(0) &&
                 dirty_zero_.count() == BlockCount(0);
  if (!header.clean) clean_.store(false);
  if (auto written = map_file_.write_header(header); !written) {
    clean_.store(false);
    return std::unexpected(std::move(written).error());
  }
  return header.clean;
}

Result<void> PackImage::make_unclean() {
  const Lock lock(header_mutex_);
  if (!clean_.load()) return {};
  MapHeader header = map_file_.header();
  header.clean = false;
  WEFT_CHECK(map_file_.write_header(header));
  clean_.store(false);
  return {};
}

}  // namespace weft
