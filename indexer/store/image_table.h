// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/catalog.h"
#include "indexer/core/mutex.h"
#include "indexer/store/lending.h"
#include "indexer/store/pack_image.h"
#include "indexer/store/space_guard.h"
#include "indexer/store/state_directory.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace weft {

/// The images of a state directory: which there are, those that are open, and what they lend each
/// other. Shared by the store and by everyone who holds an image, so that an image that outlives
/// its store still has what it needs.
///
/// Thread-safe. Locks, in this order: `lending()`, then `mutex_`, then those of the images.
class ImageTable final : public LendingDesk, public std::enable_shared_from_this<ImageTable> {
 public:
  ImageTable(FileSystem& fs, StateDirectory directory, std::unique_ptr<Catalog> catalog,
             ByteCount free_space_floor);

  /// Reads the rows and deletes files that have none.
  [[nodiscard]] Result<void> start();
  /// Flushes and closes what nobody holds.
  [[nodiscard]] Result<void> stop();

  [[nodiscard]] FileSystem& fs() const noexcept { return fs_; }
  [[nodiscard]] StateDirectory& directory() noexcept { return directory_; }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] SpaceGuard& space() noexcept { return space_; }

  [[nodiscard]] std::vector<CatalogImage> rows() const;
  /// Errc::unknown_image.
  [[nodiscard]] Result<std::shared_ptr<PackImage>> open(const ImageId& id);
  /// What users hold: the image counts as in use until they release it.
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> handle(const ImageId& id);
  [[nodiscard]] bool in_use(const ImageId& id) const;

  /// The catalog got, changed or lost this row.
  void put_row(const CatalogImage& row);
  void drop_row(const ImageId& id);
  /// Closes an image that nobody uses; the next `open` reads its files again.
  void close(const ImageId& id);

  /// Flushes every open image and closes some that nobody uses. The first error, after all were
  /// tried.
  [[nodiscard]] Result<void> flush();

  /// Held while something is lent, and while an image is removed.
  [[nodiscard]] Mutex& lending() noexcept WEFT_TSA(lock_returned(lending_mutex_)) {
    return lending_mutex_;
  }
  /// A local block with this digest, if there is one; `lending()` is held. `last` carries the
  /// previous answer, for blocks mostly follow each other in the lender, too.
  struct Hit {
    std::shared_ptr<PackImage> image;
    LentBlock block;
  };
  [[nodiscard]] std::optional<Hit> look_up(const Digest& digest, const ImageId& except,
                                           const std::optional<Hit>& last)
      WEFT_REQUIRES(lending_mutex_);

  Result<void> borrow(const ImageId& borrower, std::span<const Digest> digests, Take take) override;
  Result<std::shared_ptr<Lender>> lender(const ImageId& id) override;

 private:
  struct Entry {
    CatalogImage row;
    std::shared_ptr<PackImage> image;  // null while closed
    std::weak_ptr<LocalImage> handle;
  };
  static constexpr std::size_t idle_images_kept_open = 64;

  [[nodiscard]] Result<std::shared_ptr<PackImage>> open_entry(Entry& entry) WEFT_REQUIRES(mutex_);

  FileSystem& fs_;
  StateDirectory directory_;
  const std::unique_ptr<Catalog> catalog_;
  SpaceGuard space_;

  Mutex lending_mutex_;
  std::set<std::pair<ImageId, ImageId>> known_borrows_ WEFT_GUARDED_BY(lending_mutex_);

  mutable Mutex mutex_;
  std::map<ImageId, Entry> entries_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
