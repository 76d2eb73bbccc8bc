// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

// Opening an image: loading what the files say and finding again what they do not.
namespace weft {
namespace {

// Makes a file at least so large; the rest of it is a hole. False: it was smaller.
Result<bool> ensure_size(File& file, ByteCount size) {
  WEFT_TRY(const FileStat stat, file.stat());
  if (stat.size >= size) return true;
  WEFT_CHECK(file.truncate(size));
  return false;
}

MapHeader new_header(const CatalogImage& row) {
  MapHeader header;
  header.image = row.info.id;
  header.blocks = blocks_for(row.info.size);
  return header;
}

Result<MapFile> open_map(FileSystem& fs, const CatalogImage& row, const ImagePaths& paths,
                         bool files_are_whole) {
  const BlockCount blocks = blocks_for(row.info.size);
  if (files_are_whole) {
    WEFT_TRY(auto file, fs.open(paths.map, OpenMode::read_write));
    auto map = MapFile::open(std::move(file), row.info.id, blocks);
    if (map || !map.error().is(Errc::damaged_state)) return map;
  }
  // No map, or none that can be believed: recovery hashes what the pack holds.
  WEFT_CHECK(fs.remove(paths.map));
  WEFT_TRY(auto file, fs.open(paths.map, OpenMode::create_exclusive));
  WEFT_TRY(MapFile map, MapFile::create(std::move(file), new_header(row)));
  // A flush promises nothing as long as a file that it syncs may not be there after a power cut.
  WEFT_CHECK(fs.sync_directory(paths.directory));
  return map;
}

Result<bool> has_all_files(FileSystem& fs, const ImagePaths& paths) {
  WEFT_TRY(const auto names, fs.list(paths.directory));
  return std::ranges::all_of(
      std::array{paths.pack, paths.tree, paths.sums, paths.borrow, paths.map},
      [&](const auto& path) { return std::ranges::count(names, path.filename().native()) != 0; });
}

}  // namespace

Result<PackImage::Files> PackImage::open_files(FileSystem& fs, const CatalogImage& row,
                                               const ImagePaths& paths) {
  const BlockCount blocks = blocks_for(row.info.size);
  WEFT_TRY(const bool all_there, has_all_files(fs, paths));
  WEFT_TRY(auto own, fs.open(paths.pack, OpenMode::create));
  WEFT_TRY(const bool pack_is_whole, ensure_size(*own, bytes_of(blocks)));
  std::unique_ptr<File> source;
  if (row.in_place) {
    // A source that is gone has lost its blocks, nothing more.
    if (auto opened = fs.open(row.source, OpenMode::read)) source = std::move(*opened);
  }
  WEFT_TRY(auto tree, fs.open(paths.tree, OpenMode::create));
  WEFT_TRY(auto sums, fs.open(paths.sums, OpenMode::create));
  WEFT_TRY(auto borrow, fs.open(paths.borrow, OpenMode::create));
  WEFT_TRY(auto map, open_map(fs, row, paths, all_there && pack_is_whole));
  WEFT_TRY(auto borrowed, BorrowFile::open(std::move(borrow), row.info.id));
  return Files{std::make_shared<Pack>(row.info.id, blocks, std::move(own), std::move(source)),
               std::move(tree), std::move(map), SumsFile(std::move(sums)), std::move(borrowed)};
}

Result<std::shared_ptr<PackImage>> PackImage::open(ImageEnvironment environment,
                                                   const CatalogImage& row,
                                                   const ImagePaths& paths) {
  WEFT_TRY(Files files, open_files(environment.fs, row, paths));
  std::shared_ptr<PackImage> image(new PackImage(environment, row, paths, std::move(files)));
  WEFT_CHECK(image->load());
  WEFT_CHECK(image->load_borrowed());
  WEFT_CHECK(image->load_index());
  image->announced_blocks_ = image->announced_much_ = image->blocks_to_lend().value();
  return image;
}

Result<void> PackImage::load() {
  ResidencyMap& map = pack_->map;
  const MapHeader& header = map_file_.header();
  implied_zero_ = header.implied_zero.value();
  clean_ = header.clean;
  if (row_.info.root.is_zero()) map.zero.insert(all_blocks());
  if (header.full && !row_.in_place) {
    map.own.insert(all_blocks());
    full_from_header_ = true;
    return {};
  }
  WEFT_TRY(const bool intact, map_file_.load(map));
  if (!intact) mark_everything_dirty();
  const bool recover = !header.clean || !intact;
  if (recover) WEFT_CHECK(recover_resident());
  if (row_.in_place && pack_->source() != nullptr) {
    // What was fetched again lies in the own pack, because the source had lost it.
    for (BlockRange rest = all_blocks(); !rest.empty();) {
      const auto run = map.next_missing(rest);
      if (!run) break;
      map.source.insert(*run);
      rest = BlockRange::between(run->end(), rest.end());
    }
    return {};
  }
  if (row_.in_place) implied_zero_ = 0;
  if (recover || row_.in_place) WEFT_CHECK(recover_zero());
  if (row_.in_place) lost_ = map.count_missing(all_blocks()).value();
  return {};
}

Result<void> PackImage::load_borrowed() {
  const Lock lock(borrow_mutex_);
  for (std::uint64_t at = 0; at < borrow_file_.records(); at += BorrowFile::batch) {
    WEFT_TRY(const auto records, borrow_file_.read(at, shape().blocks()));
    std::vector<BorrowMap::Run> runs;
    runs.reserve(records.size());
    for (const BorrowRecord& record : records) {
      runs.push_back({record.blocks, &slot_of(record.lender), record.source});
      for (BlockRange rest = record.blocks; !rest.empty();) {
        const auto run = pack_->map.leading_run(rest);
        if (run.place == Place::missing) pack_->map.borrowed.insert(run.range);
        rest = BlockRange::between(run.range.end(), rest.end());
      }
    }
    borrow_map_.add(runs);
  }
  return {};
}

// Without an index others find nothing here until the next flush makes one, if there is a tree.
Result<void> PackImage::load_index() {
  if (row_.lender) return {};
  if (auto file = env_.fs.open(paths_.index, OpenMode::read)) {
    auto index = DigestIndex::open(std::move(*file), row_.info.id);
    if (index) {
      const Lock lock(index_mutex_);
      index_ = std::move(*index);
      return {};
    }
    if (!index.error().is(Errc::damaged_state)) return std::unexpected(index.error());
  }
  if (const auto stat = tree_.file().stat()) {
    leaves_not_indexed_ = stat->allocated.value() / block_size;
  }
  return {};
}

// Data in the pack without a bit: committed, but never flushed. It is believed only if it has the
// digest that the tree gives it.
Result<void> PackImage::recover_resident() {
  BlockIndex at(0);
  const BlockIndex end = all_blocks().end();
  while (at < end) {
    WEFT_TRY(const auto data, pack_->own().next_data(offset_of(at)));
    if (!data) break;
    const auto extent = intersect(blocks_touched(data->offset, data->length), all_blocks());
    for (at = std::max(at, extent.first); at < extent.end();) {
      const BlockRange leaf = shape().blocks_below(TreeShape::leaf_of(at));
      const auto piece = BlockRange::between(at, std::min(leaf.end(), extent.end()));
      WEFT_CHECK(recover_piece(piece));
      at = piece.end();
    }
  }
  return {};
}

Result<void> PackImage::recover_piece(BlockRange blocks) {
  if (pack_->map.own.contains_all(blocks)) return {};
  std::array<Digest, tree_fanout> digests;
  const auto count = blocks.count.value();
  if (auto known = tree_.block_digests(blocks.first, std::span(digests).first(count)); !known) {
    if (known.error().is(Errc::not_resident)) return {};
    return known;
  }
  std::vector<std::byte> bytes(bytes_of(blocks.count).value());
  WEFT_CHECK(pack_->read_blocks(Place::own, blocks.first, bytes));
  for (std::uint64_t i = 0; i < count; ++i) {
    const BlockIndex block = blocks.first + BlockCount(i);
    const auto one = std::span(bytes).subspan(i * block_size, block_size);
    if (pack_->map.own.contains(block) || digests[i].is_zero()) continue;
    if (digest_of_block(one) != digests[i]) continue;
    const std::uint64_t sum = xxh3(one);
    WEFT_CHECK(sums_.store(block, {&sum, 1}));
    pack_->map.checked.insert({block, BlockCount(1)});
    mark_own({block, BlockCount(1)});
  }
  return {};
}

Result<void> PackImage::recover_zero() {
  BlockRange rest = all_blocks();
  while (const auto missing = pack_->map.next_missing(rest)) {
    WEFT_TRY(const BlockRange seen, zero_at(missing->first));
    rest = BlockRange::between(seen.end(), rest.end());
  }
  return {};
}

// Marks the zero blocks of the largest subtree at `block` that the tree tells something about, and
// returns that subtree's blocks.
Result<BlockRange> PackImage::zero_at(BlockIndex block) {
  for (const TreeNode node : shape().path_to(block)) {
    const auto bytes = tree_.load(node);
    if (!bytes) {
      if (bytes.error().is(Errc::not_resident)) return shape().blocks_below(node);
      return std::unexpected(bytes.error());
    }
    if (is_all_zero(*bytes)) {
      mark_zero(shape().blocks_below(node));
      return shape().blocks_below(node);
    }
    if (node.level > 1) continue;
    const BlockRange blocks = shape().blocks_below(node);
    for (BlockIndex b = blocks.first; b < blocks.end(); ++b) {
      if (node_entry(*bytes, TreeShape::slot(b)).is_zero()) mark_zero({b, BlockCount(1)});
    }
  }
  return shape().blocks_below(TreeShape::leaf_of(block));
}

}  // namespace weft
