// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/catalog.h"
#include "indexer/core/mutex.h"
#include "indexer/core/shared_mutex.h"
#include "indexer/store/block_search.h"
#include "indexer/store/index_shelf.h"
#include "indexer/store/lending.h"
#include "indexer/store/pack_image.h"
#include "indexer/store/signature_book.h"
#include "indexer/store/space_guard.h"
#include "indexer/store/state_directory.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace weft {

/// The images of a state directory: which there are, those that are open, and what they lend each
/// other. Shared by the store and by everyone who holds an image, so that an image that outlives
/// its store still has what it needs.
///
/// Thread-safe. Locks, in this order: `flushing()`, `changes()`, `lending()`, `mutex_`, then those
/// of the images and of the signature book. Images borrow under `lending()` shared, so that any
/// number of mounts and fetches look for their blocks at the same time; what an image needs of its
/// own locks to write down what it took, it takes after it.
class ImageTable final : public LendingDesk,
                         public LocalIndexes,
                         public std::enable_shared_from_this<ImageTable> {
 public:
  ImageTable(FileSystem& fs, StateDirectory directory, std::unique_ptr<Catalog> catalog,
             ByteCount free_space_floor);

  /// Reads the rows and deletes files that have none.
  [[nodiscard]] Result<void> start();
  /// Flushes everything and closes what nobody holds.
  [[nodiscard]] Result<void> stop();

  [[nodiscard]] FileSystem& fs() const noexcept { return fs_; }
  [[nodiscard]] StateDirectory& directory() noexcept { return directory_; }
  [[nodiscard]] Catalog& catalog() noexcept { return *catalog_; }
  [[nodiscard]] SpaceGuard& space() noexcept { return space_; }

  [[nodiscard]] std::vector<CatalogImage> rows() const;
  /// An image other than `id`.
  [[nodiscard]] bool has_others(const ImageId& id) const;
  /// Errc::unknown_image.
  [[nodiscard]] Result<std::shared_ptr<PackImage>> open(const ImageId& id);
  /// What users hold: the image counts as in use until they release it.
  [[nodiscard]] Result<std::shared_ptr<LocalImage>> handle(const ImageId& id);
  [[nodiscard]] bool in_use(const ImageId& id) const;

  /// Moves a whole image from `incoming` to its place, durably, and then has `write_row` put `row`
  /// into the catalog: from then on it is there for everyone. Neither is there after an error.
  /// `changes()` is held.
  [[nodiscard]] Result<void> take_in(const ImagePaths& incoming, const CatalogImage& row,
                                     const std::function<Result<void>()>& write_row);
  /// The catalog got, changed or lost this row.
  void put_row(const CatalogImage& row);
  void drop_row(const ImageId& id);
  /// A lender is an image again; nothing to do for an image. A lender never has anything to flush,
  /// so that what a flush may still hold of it does no harm.
  void wake(CatalogImage row);
  /// Images that have no name, but are images: somebody held them when their last name moved to
  /// another. `changes()` is held.
  [[nodiscard]] const std::set<ImageId>& unnamed() const noexcept WEFT_NO_ANALYSIS {
    return unnamed_;
  }
  void note_unnamed(const ImageId& id) WEFT_NO_ANALYSIS { unnamed_.insert(id); }
  void forget_unnamed(const ImageId& id) WEFT_NO_ANALYSIS { unnamed_.erase(id); }
  /// Closes an image that nobody uses; the next `open` reads its files again. `flushing()` and
  /// `changes()` are held, so that nobody goes on with what was closed.
  void close(const ImageId& id);

  /// Flushes every open image and closes some that nobody uses. The first error, after all were
  /// tried.
  [[nodiscard]] Result<void> flush() WEFT_EXCLUDES(flushing_mutex_);

  /// Held while images are flushed, and while one is closed in order to be changed.
  [[nodiscard]] Mutex& flushing() noexcept WEFT_TSA(lock_returned(flushing_mutex_)) {
    return flushing_mutex_;
  }
  /// Held while the set of images changes, and while one is handed out: nobody can get hold of an
  /// image that is being removed.
  [[nodiscard]] Mutex& changes() noexcept WEFT_TSA(lock_returned(changes_mutex_)) {
    return changes_mutex_;
  }
  /// Held shared while something is lent, alone while an image is removed.
  [[nodiscard]] SharedMutex& lending() noexcept WEFT_TSA(lock_returned(lending_mutex_)) {
    return lending_mutex_;
  }
  /// A borrow that the catalog has no row for any more.
  /// `lending()` is held alone.
  void forget_borrow(const ImageId& borrower, const ImageId& lender) WEFT_EXCLUDES(borrows_mutex_);

  [[nodiscard]] SignatureBook& signatures() noexcept { return signatures_; }

  std::vector<ImageId> indexed_images() const override;
  /// Of an image that is open its own; of another one it is read, and kept for a while.
  std::shared_ptr<const DigestIndex> index_of(const ImageId& id) override;
  /// As BlockSearch::Take, with the image that has the block.
  using TakeFrom = std::function<bool(PackImage& image, std::size_t wanted, BlockIndex block)>;
  /// Looks for what `search` wants in one image, which is opened only if its index has some of it.
  [[nodiscard]] Result<void> look_in(const ImageId& id, BlockSearch& search, const TakeFrom& take);

  Result<void> borrow(const ImageId& borrower, std::span<const Digest> digests, Take take) override;
  void announce(News news) noexcept override;
  std::uint64_t announced(News news) const noexcept override {
    return announced_[static_cast<std::size_t>(news)].load();
  }
  Result<std::shared_ptr<Lender>> lender(const ImageId& id) override;

 private:
  struct Entry {
    CatalogImage row;
    std::shared_ptr<PackImage> image;  // null while closed
    std::weak_ptr<LocalImage> handle;
  };
  static constexpr std::size_t idle_images_kept_open = 64;

  [[nodiscard]] Result<void> admit(const ImagePaths& incoming, const ImageId& id);
  [[nodiscard]] Result<std::shared_ptr<PackImage>> open_entry(Entry& entry) WEFT_REQUIRES(mutex_);
  [[nodiscard]] Result<void> note_borrow(const ImageId& borrower, const ImageId& lender)
      WEFT_EXCLUDES(borrows_mutex_);

  FileSystem& fs_;
  StateDirectory directory_;
  const std::unique_ptr<Catalog> catalog_;
  SpaceGuard space_;

  Mutex flushing_mutex_;
  Mutex changes_mutex_;
  std::set<ImageId> unnamed_ WEFT_GUARDED_BY(changes_mutex_);
  SharedMutex lending_mutex_;

  Mutex borrows_mutex_;
  std::set<std::pair<ImageId, ImageId>> known_borrows_ WEFT_GUARDED_BY(borrows_mutex_);

  std::array<std::atomic<std::uint64_t>, 2> announced_{};  // by kind
  IndexShelf shelf_;
  SignatureBook signatures_;

  mutable Mutex mutex_;
  std::map<ImageId, Entry> entries_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
