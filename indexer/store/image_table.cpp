// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/image_table.h"

#include <algorithm>
#include <optional>

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
      space_(fs, directory_.root(), free_space_floor) {}

Result<void> ImageTable::start() {
  WEFT_TRY(const auto rows, catalog_->images());
  {
    const Lock lock(mutex_);
    for (const auto& row : rows)
      entries_[row.info.id].row = row;
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
  for (auto& [id, entry] : entries_)
    entry.image.reset();
  return flushed;
}

std::vector<CatalogImage> ImageTable::rows() const {
  const Lock lock(mutex_);
  std::vector<CatalogImage> out;
  for (const auto& [id, entry] : entries_)
    out.push_back(entry.row);
  return out;
}

Result<std::shared_ptr<PackImage>> ImageTable::open_entry(Entry& entry) {
  if (!entry.image) {
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
  const Lock lock(mutex_);
  entries_[row.info.id].row = row;
}

void ImageTable::drop_row(const ImageId& id) {
  const Lock lock(mutex_);
  entries_.erase(id);
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

std::vector<std::shared_ptr<PackImage>> ImageTable::lenders(const ImageId& except) {
  std::vector<std::shared_ptr<PackImage>> out;
  const Lock lock(mutex_);
  for (auto& [id, entry] : entries_) {
    if (entry.row.lender || id == except) continue;
    // An image that cannot be opened lends nothing; whoever opens it for itself is told why.
    const auto image = open_entry(entry);
    if (image && (*image)->has_index()) out.push_back(*image);
  }
  return out;
}

std::optional<ImageTable::Hit> ImageTable::look_up(
    const Digest& digest, std::span<const std::shared_ptr<PackImage>> lenders,
    const std::optional<Hit>& last) {
  if (last) {
    if (auto block = last->image->offer(digest, last->block)) return Hit{last->image, *block};
    if (auto block = last->image->offer(digest, std::nullopt)) return Hit{last->image, *block};
  }
  for (const auto& image : lenders) {
    if (auto block = image->offer(digest, std::nullopt)) return Hit{image, *block};
  }
  return std::nullopt;
}

Result<void> ImageTable::borrow(const ImageId& borrower, std::span<const Digest> digests,
                                Take take) {
  const Lock lock(lending_mutex_);
  std::vector<std::optional<LentBlock>> offer(digests.size());
  const auto candidates = lenders(borrower);
  if (candidates.empty()) return take(offer);
  std::optional<Hit> last;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    auto hit = look_up(digests[i], candidates, last);
    if (!hit || hit->block.lender->lender_id() == borrower) continue;
    offer[i] = hit->block;
    last = std::move(hit);
    const auto pair = std::pair(borrower, offer[i]->lender->lender_id());
    if (known_borrows_.contains(pair)) continue;
    WEFT_CHECK(catalog_->add_borrow(pair.first, pair.second));
    known_borrows_.insert(pair);
  }
  return take(offer);
}

Result<std::shared_ptr<Lender>> ImageTable::lender(const ImageId& id) {
  WEFT_TRY(const auto image, open(id));
  return image->pack();
}

}  // namespace weft
