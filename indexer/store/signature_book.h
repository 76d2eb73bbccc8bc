// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/catalog.h"
#include "indexer/core/mutex.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/digest_index.h"
#include "indexer/store/store.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace weft {

/// What the signature book knows of the images here.
class LocalIndexes {
 public:
  virtual ~LocalIndexes() = default;
  /// Images that may have an index.
  [[nodiscard]] virtual std::vector<ImageId> indexed_images() const = 0;
  /// Null: there is none, yet. Its object changes whenever the index does.
  [[nodiscard]] virtual std::shared_ptr<const DigestIndex> index_of(const ImageId& id) = 0;
};

/// Signatures of the images here (from their indexes) and of those at peers (from the catalog), and
/// who is related to whom by them.
///
/// Keeps a small sample of each local image's signature in memory, 16 KiB for each of at most 512
/// images; beyond that, samples are read again. Thread-safe; reads files outside of its lock.
class SignatureBook {
 public:
  static constexpr std::size_t sample_keys = 2048;
  static constexpr std::size_t samples_kept = 512;

  /// Both outlive it.
  SignatureBook(LocalIndexes& indexes, Catalog& catalog) : indexes_(indexes), catalog_(catalog) {}

  /// As the calls of the same names in Store, but for local images whose index is not of the whole
  /// tree (yet): those have no signature.
  [[nodiscard]] Result<Signature> signature(const ImageId& id, std::size_t max_keys);
  [[nodiscard]] Result<void> learn(const Signature& signature) WEFT_EXCLUDES(mutex_);
  [[nodiscard]] Result<std::vector<ImageId>> known();
  [[nodiscard]] Result<std::vector<Relative>> relatives(const ImageId& id) WEFT_EXCLUDES(mutex_);

  /// Local images in which to look for `wanted` blocks of the borrower, best first: its relatives,
  /// then, for many blocks, the largest of the others: samples do not show a few shared blocks. If
  /// nothing is known of the borrower, the largest ones.
  [[nodiscard]] std::vector<ImageId> lenders_for(const ImageId& borrower, std::size_t wanted)
      WEFT_EXCLUDES(mutex_);
  /// Images came or went, or have another index.
  void changed() noexcept { version_.fetch_add(1); }

 private:
  struct Sample {
    std::weak_ptr<const DigestIndex> of;
    std::shared_ptr<const Signature> signature;
  };
  /// Whom to ask for blocks of one borrower.
  struct Order {
    std::uint64_t version = 0;
    std::vector<ImageId> images;
    std::size_t ask_for_few = 0;  ///< the first so many, where only a few blocks are wanted
  };
  struct Related {
    std::uint64_t version = 0;
    std::vector<Relative> relatives;
  };
  [[nodiscard]] Order make_order(const ImageId& borrower);
  [[nodiscard]] std::vector<Relative> related(const Signature& signature);
  /// Of the index of a whole tree, or of a part: then of the image as far as it is known.
  [[nodiscard]] std::shared_ptr<const Signature> sample(
      const ImageId& id, const std::shared_ptr<const DigestIndex>& index) WEFT_EXCLUDES(mutex_);

  LocalIndexes& indexes_;
  Catalog& catalog_;

  std::atomic<std::uint64_t> version_{1};

  Mutex mutex_;
  std::map<ImageId, Sample> samples_ WEFT_GUARDED_BY(mutex_);
  std::map<ImageId, Order> orders_ WEFT_GUARDED_BY(mutex_);
  std::map<ImageId, Related> related_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
