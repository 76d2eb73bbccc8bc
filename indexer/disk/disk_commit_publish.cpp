// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_commit.h"
#include "indexer/store/borrow_file.h"
#include "indexer/store/fill.h"
#include "indexer/store/map_file.h"
#include "indexer/tree/tree_file.h"

#include <algorithm>
#include <utility>

// The end of a commit: files made durable, then the new image gets its row and its name at once.
namespace weft {

// The index is left to the next flush of the store: nobody must wait for it to read the image.
Result<void> DiskCommit::write_files(const ImageInfo& info) {
  WEFT_CHECK(write_map(info));
  WEFT_CHECK(write_borrowed(info));
  return incoming_->sync();
}

// Not marked clean: which blocks are zero, opening derives from as much of the tree as is here.
Result<void> DiskCommit::write_map(const ImageInfo& info) {
  MapHeader header;
  header.image = info.id;
  header.blocks = own_.blocks();
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().map, OpenMode::create_exclusive));
  WEFT_TRY(MapFile map, MapFile::create(std::move(file), header));
  ResidencyMap residency(own_.blocks());
  for (BlockRange rest = whole_disk(); const auto block = own_.next(rest);) {
    residency.own.insert({*block, BlockCount(1)});
    rest = BlockRange::between(*block + BlockCount(1), rest.end());
  }
  std::vector<MapFile::ChunkSnapshot> chunks;
  for (std::uint64_t chunk = 0; chunk < own_.chunks(); ++chunk) {
    if (own_.kind(chunk) != BlockSet::Kind::none)
      chunks.push_back(MapFile::snapshot(residency, MapPlane::own, chunk));
  }
  WEFT_CHECK(map.write(chunks));
  return map.sync();
}

// From where the image below really has its blocks, so that borrowing does not grow into chains.
Result<void> DiskCommit::write_borrowed(const ImageInfo& info) {
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().borrow, OpenMode::create_exclusive));
  WEFT_TRY(auto borrow, BorrowFile::open(std::move(file), info.id));
  BlockRange rest = whole_disk();
  while (const auto run = snapshot_->map().next(rest, DiskPlace::below)) {
    const auto records = base_->holders(*run);
    for (const BorrowRecord& record : records)
      if (!std::ranges::count(lenders_, record.lender)) lenders_.push_back(record.lender);
    if (!records.empty()) WEFT_CHECK(borrow.append(records));
    rest = BlockRange::between(run->end(), rest.end());
  }
  return borrow.sync();
}

Result<std::shared_ptr<LocalImage>> DiskCommit::register_image(const ImageInfo& info) {
  std::shared_ptr<LocalImage> image;
  {
    const Lock flushing(table_->flushing());
    const Lock changes(table_->changes());
    WEFT_TRY(const auto known, table_->catalog().image(info.id));
    if (!known) {
      const CatalogImage row{.info = info, .in_place = false, .source = "", .lender = false};
      const ExclusiveLock lending(table_->lending());
      WEFT_CHECK(table_->take_in(incoming_->paths(), row,
                                 [&] { return table_->catalog().add(name_, row, lenders_); }));
      if (name_.empty()) table_->note_unnamed(info.id);
      return table_->handle(info.id);
    }
    if (known->lender) WEFT_CHECK(table_->catalog().wake(info.id));
    table_->wake(*known);
    table_->note_unnamed(info.id);
    WEFT_TRY(image, table_->handle(info.id));
  }
  // The name last: it promises all of it.
  WEFT_CHECK(complete_known(*image));
  return name_known(std::move(image));
}

Result<std::shared_ptr<LocalImage>> DiskCommit::name_known(std::shared_ptr<LocalImage> image) {
  if (name_.empty()) return image;
  const Lock changes(table_->changes());
  WEFT_TRY(const auto row, table_->catalog().image(image->info().id));
  if (!row) return fail(Errc::unknown_image, Operation::commit, name_);
  WEFT_CHECK(table_->catalog().add(name_, *row));
  table_->forget_unnamed(row->info.id);
  return image;
}

// An image of this content is here already, perhaps not all of it: it gets what the disk has.
Result<void> DiskCommit::complete_known(LocalImage& image) {
  WEFT_TRY(auto file, table_->fs().open(incoming_->paths().tree, OpenMode::read));
  TreeFile tree(std::move(file), image.info());
  NodeBytes bytes;
  for (BlockRange rest = whole_disk(); const auto block = own_.next(rest);) {
    rest = BlockRange::between(*block + BlockCount(1), rest.end());
    if (image.readable({*block, BlockCount(1)})) continue;
    WEFT_CHECK(fill_path(image, tree, *block));
    WEFT_TRY(const std::size_t got, incoming_->pack().read_at(offset_of(*block), bytes));
    if (got != bytes.size()) return fail(Errc::damaged_state, Operation::commit, name_);
    WEFT_CHECK(image.commit({*block, BlockCount(1)}, bytes));
  }
  return image.flush();
}

}  // namespace weft
