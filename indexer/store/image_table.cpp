// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/image_table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace weft {
namespace {

std::unexpected<Error> unknown(const ImageId& id) {
  return fail(Errc::unknown_image, Operation::open, to_hex(id));
}

}  // namespace

ImageTable::ImageTable(FileSystem& fs, StateDirectory directory, std::unique_ptr<Catalog> catalog,
                       ByteCount free_space_floor)
    : fs_(fs),
      directory_(std::move(directory)),
      catalog_(std::move(catalog)),
      space_(fs, directory_.root(), free_space_floor),
      signatures_(*this, *catalog_) {}

Result<void> ImageTable::start() {
  WEFT_TRY(const auto rows, catalog_->images());
  {
    const Lock lock(mutex_);
    for (const auto& row : rows)
      entries_[row.info.id].row = row;
  }
  WEFT_TRY(const auto names, catalog_->names());
  {
    const Lock lock(changes_mutex_);
    for (const auto& row : rows)
      if (!row.lender) unnamed_.insert(row.info.id);
    for (const auto& [name, id] : names)
      unnamed_.erase(id);
  }
  WEFT_TRY(const auto present, directory_.images_present());
  for (const ImageId& id : present) {
    const bool known =
        std::ranges::any_of(rows, [&](const CatalogImage& row) { return row.info.id == id; });
    if (!known) WEFT_CHECK(directory_.discard(id));
  }
  return {};
}

Result<void> ImageTable::stop() {
  auto flushed = flush();
  const Lock lock(mutex_);
  for (auto& [id, entry] : entries_) {
    // What came since the last index would not be found after the next start.
    if (entry.image) static_cast<void>(entry.image->refresh_index(true));
    entry.image.reset();
  }
  return flushed;
}

std::vector<CatalogImage> ImageTable::rows() const {
  const Lock lock(mutex_);
  std::vector<CatalogImage> out;
  for (const auto& [id, entry] : entries_)
    out.push_back(entry.row);
  return out;
}

bool ImageTable::has_others(const ImageId& id) const {
  const Lock lock(mutex_);
  return std::ranges::any_of(
      entries_, [&](const auto& entry) { return entry.first != id && !entry.second.row.lender; });
}

Result<std::shared_ptr<PackImage>> ImageTable::open_entry(Entry& entry) {
  if (!entry.image) {
    shelf_.drop(entry.row.info.id);
    const ImageEnvironment environment{fs_, space_, *this};
    WEFT_TRY(entry.image,
             PackImage::open(environment, entry.row, directory_.image(entry.row.info.id)));
  }
  return entry.image;
}

Result<std::shared_ptr<PackImage>> ImageTable::open(const ImageId& id) {
  const Lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return unknown(id);
  return open_entry(found->second);
}

Result<std::shared_ptr<LocalImage>> ImageTable::handle(const ImageId& id) {
  const Lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.row.lender) return unknown(id);
  Entry& entry = found->second;
  if (auto handle = entry.handle.lock()) return handle;
  WEFT_TRY(auto image, open_entry(entry));
  // A count of its own: holding the image elsewhere in the store is not use.
  LocalImage* const raw = image.get();
  std::shared_ptr<LocalImage> handle(
      raw, [table = shared_from_this(), image = std::move(image)](LocalImage*) mutable {
        image.reset();
        table.reset();
      });
  entry.handle = handle;
  return handle;
}

bool ImageTable::in_use(const ImageId& id) const {
  const Lock lock(mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && !found->second.handle.expired();
}

void ImageTable::put_row(const CatalogImage& row) {
  {
    const Lock lock(mutex_);
    entries_[row.info.id].row = row;
  }
  shelf_.drop(row.info.id);
  announce(News::image);
}

void ImageTable::drop_row(const ImageId& id) {
  {
    const Lock lock(mutex_);
    entries_.erase(id);
  }
  shelf_.drop(id);
  announce(News::image);
}

Result<void> ImageTable::take_in(const ImagePaths& incoming, const CatalogImage& row,
                                 const std::function<Result<void>()>& write_row) {
  WEFT_CHECK(admit(incoming, row.info.id));
  if (auto written = write_row(); !written) {
    // Files without a row are debris; what cannot be deleted goes when the store opens next.
    static_cast<void>(directory_.discard(row.info.id));
    return written;
  }
  put_row(row);
  return {};
}

Result<void> ImageTable::admit(const ImagePaths& incoming, const ImageId& id) {
  // An attempt that failed before its row was written may have left files.
  WEFT_TRY(const auto present, directory_.images_present());
  if (std::ranges::count(present, id) != 0) WEFT_CHECK(directory_.discard(id));
  return directory_.admit(incoming, id);
}

void ImageTable::wake(CatalogImage row) {
  if (!row.lender) return;
  row.lender = false;
  close(row.info.id);
  put_row(row);
}

void ImageTable::forget_borrow(const ImageId& borrower, const ImageId& lender) {
  const Lock lock(borrows_mutex_);
  known_borrows_.erase({borrower, lender});
}

void ImageTable::close(const ImageId& id) {
  const Lock lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) found->second.image.reset();
}

Result<void> ImageTable::flush() {
  const Lock flushing(flushing_mutex_);
  std::vector<std::pair<ImageId, std::shared_ptr<PackImage>>> open;
  {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      if (entry.image) open.emplace_back(id, entry.image);
    }
  }
  Result<void> outcome;
  std::size_t extra = open.size() > idle_images_kept_open ? open.size() - idle_images_kept_open : 0;
  for (auto& [id, image] : open) {
    auto flushed = image->flush();
    const bool used = in_use(id);
    if (flushed && used) static_cast<void>(image->resolve_some());
    if (flushed && !used && extra > 0) static_cast<void>(image->refresh_index(true));
    image.reset();
    if (!flushed) {
      if (outcome) outcome = std::move(flushed);
      continue;
    }
    const Lock lock(mutex_);
    const auto found = entries_.find(id);
    if (extra > 0 && found != entries_.end() && found->second.image.use_count() == 1 &&
        found->second.image->is_clean()) {
      found->second.image.reset();
      --extra;
    }
  }
  return outcome;
}

std::vector<ImageId> ImageTable::indexed_images() const {
  const Lock lock(mutex_);
  std::vector<ImageId> out;
  for (const auto& [id, entry] : entries_) {
    if (!entry.row.lender) out.push_back(id);
  }
  return out;
}

std::shared_ptr<const DigestIndex> ImageTable::index_of(const ImageId& id) {
  {
    const Lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.row.lender) return nullptr;
    if (found->second.image) return found->second.image->index();
  }
  return shelf_.get(fs_, directory_.image(id), id);
}

void ImageTable::announce(News news) noexcept {
  announced_[static_cast<std::size_t>(News::blocks)].fetch_add(1);
  if (news != News::image) return;
  signatures_.changed();
  announced_[static_cast<std::size_t>(News::image)].fetch_add(1);
}

Result<void> ImageTable::note_borrow(const ImageId& borrower, const ImageId& lender) {
  const Lock lock(borrows_mutex_);
  const auto pair = std::pair(borrower, lender);
  if (known_borrows_.contains(pair)) return {};
  WEFT_CHECK(catalog_->add_borrow(borrower, lender));
  known_borrows_.insert(pair);
  return {};
}

Result<void> ImageTable::borrow(const ImageId& borrower, std::span<const Digest> digests,
                                Take take) {
  const SharedLock lock(lending_mutex_);
  std::vector<std::optional<LentBlock>> offer(digests.size());
  BlockSearch search(digests);
  for (const ImageId& id : signatures_.lenders_for(borrower, digests.size())) {
    if (search.done()) break;
    if (id == borrower) continue;
    const auto lend = [&](PackImage& image, std::size_t wanted, BlockIndex block) {
      auto place = image.place_of(block);
      if (!place || place->lender->lender_id() == borrower) return false;
      offer[wanted] = std::move(place);
      return true;
    };
    // An image that cannot be read lends nothing; whoever opens it for itself is told why.
    static_cast<void>(look_in(id, search, lend));
  }
  std::set<ImageId> lenders;
  for (const auto& block : offer) {
    if (block) lenders.insert(block->lender->lender_id());
  }
  for (const ImageId& lender : lenders)
    WEFT_CHECK(note_borrow(borrower, lender));
  return take(offer);
}

Result<void> ImageTable::look_in(const ImageId& id, BlockSearch& search, const TakeFrom& take) {
  const auto index = index_of(id);
  if (!index) return {};
  WEFT_TRY(auto candidates, search.candidates(*index));
  if (candidates.empty()) return {};
  WEFT_TRY(const auto image, open(id));
  image->settle(search, std::move(candidates),
                [&](std::size_t wanted, BlockIndex block) { return take(*image, wanted, block); });
  return {};
}

Result<std::shared_ptr<Lender>> ImageTable::lender(const ImageId& id) {
  WEFT_TRY(const auto image, open(id));
  return image->pack();
}

}  // namespace weft
