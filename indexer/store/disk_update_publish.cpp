// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_file.h"
#include "indexer/store/disk_update.h"
#include "indexer/store/fill.h"
#include "indexer/store/index_writer.h"
#include "indexer/store/map_file.h"
#include "indexer/store/removal.h"

#include <algorithm>
#include <utility>

// The end of an update: files made durable, then the name moved.
namespace weft {

Result<UpdateResult> DiskUpdate::publish() {
  WEFT_TRY(const Digest root, tree_.finish([this](BlockRange range) {
    return changed_.next(intersect(range, {BlockIndex(0), blocks_}));
  }));
  const ImageInfo info{make_image_id(target_.size, root), target_.size, root};
  if (info.id == old_image().id) return UpdateResult{info, false, BlockCount(0)};
  const UpdateResult result{info, true, changed_.count()};
  WEFT_CHECK(finish_files(info));
  const ImageId before = old_image().id;
  std::optional<CatalogImage> known;
  {
    const Lock flushing(table_->flushing());
    const Lock changes(table_->changes());
    WEFT_TRY(known, table_->catalog().image(info.id));
    if (!known) WEFT_CHECK(register_new(info));
  }
  if (known) WEFT_CHECK(register_known(*known));
  handle_.reset();
  retire(before);
  return result;
}

// Nobody sees these files yet, so only the last step needs an order.
Result<void> DiskUpdate::finish_files(const ImageInfo& info) {
  WEFT_CHECK(write_map(info));
  WEFT_CHECK(write_borrowed(info));
  WEFT_TRY(auto tree_again, table_->fs().open(incoming_->paths().tree, OpenMode::read));
  TreeFile tree(std::move(tree_again), info);
  WEFT_TRY(const bool whole, write_digest_index(table_->fs(), incoming_->paths(), info.id, tree));
  if (!whole) return fail(Errc::not_resident, Operation::import, "a node of the new tree");
  return incoming_->sync();
}

Result<void> DiskUpdate::write_map(const ImageInfo& info) {
  MapHeader header;
  header.image = info.id;
  header.blocks = blocks_;
  header.clean = true;
  header.complete = true;
  header.full = kind_ != PackKind::in_place && map_.borrowed.count() == BlockCount(0);
  const bool zero_by_plane = kind_ != PackKind::in_place && !header.full;
  if (!zero_by_plane) header.implied_zero = blocks_ - BlockCount(data_blocks_.load());
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().map, OpenMode::create_exclusive));
  WEFT_TRY(MapFile map, MapFile::create(std::move(file), header));
  if (zero_by_plane) {
    for (BlockRange rest{BlockIndex(0), blocks_}; const auto zero = map_.next_missing(rest);) {
      map_.zero.insert(*zero);
      rest = BlockRange::between(zero->end(), rest.end());
    }
    std::vector<MapFile::ChunkSnapshot> chunks;
    for (const MapPlane plane : {MapPlane::own, MapPlane::zero}) {
      for (std::uint64_t chunk = 0; chunk < map_.own.chunks(); ++chunk)
        chunks.push_back(MapFile::snapshot(map_, plane, chunk));
    }
    WEFT_CHECK(map.write(chunks));
  }
  return map.sync();
}

Result<void> DiskUpdate::write_borrowed(const ImageInfo& info) {
  std::vector<BorrowRecord> records;
  BlockCount found;
  for (BlockRange rest{BlockIndex(0), blocks_};;) {
    const auto first = map_.borrowed.next(rest);
    if (!first) break;
    const auto run = map_.leading_run(BlockRange::between(*first, rest.end()));
    for (const BorrowRecord& record : old_->holders(run.range)) {
      records.push_back(record);
      found += record.blocks.count;
      if (!std::ranges::count(lenders_, record.lender)) lenders_.push_back(record.lender);
    }
    rest = BlockRange::between(run.range.end(), rest.end());
  }
  if (found != map_.borrowed.count()) {
    return fail(Errc::not_resident, Operation::import,
                "the image lost blocks to damage while it was compared; start the update again");
  }
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().borrow, OpenMode::create_exclusive));
  WEFT_TRY(auto borrow, BorrowFile::open(std::move(file), info.id));
  if (!records.empty()) WEFT_CHECK(borrow.append(records));
  return borrow.sync();
}

// The image, whom it borrows from and the name become known at once: no lender is ever asked for
// blocks that the catalog does not know to be borrowed.
Result<void> DiskUpdate::register_new(const ImageInfo& info) {
  CatalogImage row;
  row.info = info;
  row.in_place = kind_ == PackKind::in_place;
  row.source = target_.source.native();
  const ExclusiveLock lending(table_->lending());
  return table_->take_in(incoming_->paths(), row, [&] {
    return table_->catalog().move_name(target_.name, old_image().id, row, lenders_);
  });
}

// An image of this content is here already, perhaps not all of it: it is completed before it gets
// the name, so that a crash leaves the name with an image that is whole.
Result<void> DiskUpdate::register_known(const CatalogImage& row) {
  std::shared_ptr<LocalImage> image;
  {
    const Lock flushing(table_->flushing());
    const Lock changes(table_->changes());
    if (row.lender) {
      WEFT_CHECK(table_->catalog().wake(row.info.id));
      table_->wake(row);
      table_->note_unnamed(row.info.id);
    }
    WEFT_TRY(image, table_->handle(row.info.id));
  }
  auto moved = image->usage().complete ? Result<void>{} : complete_known(*image);
  if (moved) {
    const Lock changes(table_->changes());
    moved = table_->catalog().move_name(target_.name, old_image().id, row, {});
    if (moved) table_->forget_unnamed(row.info.id);
  }
  image.reset();
  if (!moved) retire(row.info.id);
  return moved;
}

Result<void> DiskUpdate::complete_known(LocalImage& image) {
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().tree, OpenMode::read));
  TreeFile tree(std::move(file), image.info());
  if (kind_ == PackKind::in_place) {
    WEFT_TRY(const auto source, table_->fs().open(target_.source, OpenMode::read));
    return fill(image, tree, *source);
  }
  if (layout_ != Layout::borrow) return fill(image, tree, incoming_->pack());
  return fill(image, tree, [this](BlockRange blocks, std::span<std::byte> out) {
    return read_new(blocks, out);
  });
}

// Blocks of the new image, wherever they are.
Result<void> DiskUpdate::read_new(BlockRange blocks, std::span<std::byte> out) {
  while (!blocks.empty()) {
    const auto run = map_.leading_run(blocks);
    const auto part = out.first(bytes_of(run.range.count).value());
    if (run.place == Place::borrowed) {
      WEFT_CHECK(handle_->read(offset_of(run.range.first), part));
    } else {
      WEFT_CHECK(incoming_->pack().read_at(offset_of(run.range.first), part));
    }
    out = out.subspan(part.size());
    blocks = BlockRange::between(run.range.end(), blocks.end());
  }
  return {};
}

// What fails here is done when the store opens next, or by the next one who collects.
void DiskUpdate::retire(const ImageId& id) {
  const Lock flushing(table_->flushing());
  const Lock changes(table_->changes());
  if (!Removal::collect_unnamed(*table_, id)) table_->note_unnamed(id);
}

}  // namespace weft
