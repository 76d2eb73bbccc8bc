// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/core/range.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

/// How images borrow blocks from each other without knowing each other.
namespace weft {

/// The blocks an image holds itself, as its borrowers see them. Knows no other image, so that
/// images that borrow from each other do not keep each other alive in a circle.
class Lender {
 public:
  virtual ~Lender() = default;
  [[nodiscard]] virtual const ImageId& lender_id() const noexcept = 0;
  /// Bytes of consecutive blocks as they are in pack or source file, *unchecked*: the borrower
  /// compares them. Errc::not_resident if the lender has given one of them up.
  [[nodiscard]] virtual Result<void> read_lent(BlockIndex first, std::span<std::byte> out) = 0;
};

struct LentBlock {
  std::shared_ptr<Lender> lender;
  BlockIndex block;
};

/// Where an image asks for blocks of others. Implemented by the store; thread-safe. An image must
/// hold none of its own locks when it calls.
class LendingDesk {
 public:
  using Offer = std::span<const std::optional<LentBlock>>;
  /// Writes down what was taken of the offer.
  using Take = std::move_only_function<Result<void>(Offer)>;

  virtual ~LendingDesk() = default;
  /// Offers, for each digest, a block of another local image that has it in its own pack or source
  /// file. While `take` runs no image is removed, and the catalog knows the borrower already: what
  /// was taken stays for as long as the borrower's records name it. Any number of images borrow at
  /// once. Ask for many digests together: each index of another image is read once for all of them.
  [[nodiscard]] virtual Result<void> borrow(const ImageId& borrower,
                                            std::span<const Digest> digests, Take take) = 0;
  /// Something may be found that was not there before.
  enum class News {
    blocks,  ///< an image has more blocks than a second ago
    image    ///< an image came, or has so much more that it is worth looking for everything again
  };
  virtual void announce(News news) noexcept = 0;
  /// Grows with every announcement of this kind; one of an image is one of blocks, too.
  [[nodiscard]] virtual std::uint64_t announced(News news) const noexcept = 0;
  /// The lender that a record names. Errc::unknown_image.
  [[nodiscard]] virtual Result<std::shared_ptr<Lender>> lender(const ImageId& id) = 0;
};

/// One lender of one borrower: its id from the start, its files from the first read on.
/// *Rationale:* opening an image must not open all its lenders, which may borrow from it in turn.
class LenderSlot {
 public:
  explicit LenderSlot(const ImageId& id) : id_(id) {}
  [[nodiscard]] const ImageId& id() const noexcept { return id_; }

  /// Wait-free once it has succeeded.
  [[nodiscard]] Result<Lender*> get(LendingDesk& desk) WEFT_EXCLUDES(mutex_) {
    if (Lender* ready = ready_.load(std::memory_order_acquire)) return ready;
    WEFT_TRY(auto lender, desk.lender(id_));
    const Lock lock(mutex_);
    if (!held_) {
      held_ = std::move(lender);
      ready_.store(held_.get(), std::memory_order_release);
    }
    return held_.get();
  }

 private:
  const ImageId id_;
  std::atomic<Lender*> ready_{nullptr};
  Mutex mutex_;
  std::shared_ptr<Lender> held_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
