// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/similarity/cluster_index.h"
#include "indexer/similarity/signature.h"

#include <cstddef>
#include <vector>

namespace weft {

/// What each two of a set of images share, as well as their signatures can tell: exact between
/// those whose full signatures are given (as long as the memory lasts), an estimate where one of
/// them is sampled. So a coarse signature, such as one learnt from a peer, takes nothing from the
/// others, as it would in one ClusterIndex. Pure, single-threaded.
class Comparison {
 public:
  /// Keys kept of each image for pairs with a sampled one: an error of 0.4 % of its blocks at most.
  static constexpr std::size_t sample_keys = std::size_t{1} << 16;

  /// `memory` is for the full signatures; samples take 512 KiB an image at most besides.
  explicit Comparison(ByteCount memory) : full_(memory) {}

  /// `signature` is valid and of an image that is not here yet. Errc::unsupported: too many images.
  [[nodiscard]] Result<void> add(const Signature& signature);

  [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }
  /// Images are numbered as they came.
  [[nodiscard]] const ImageId& image(std::size_t i) const { return samples_[i].image; }
  [[nodiscard]] BlockCount unique_blocks(std::size_t i) const { return samples_[i].unique_blocks; }
  [[nodiscard]] bool is_full(std::size_t i) const { return full_.contains(samples_[i].image); }
  [[nodiscard]] Overlap shared(std::size_t a, std::size_t b) const;

 private:
  ClusterIndex full_;
  std::vector<Signature> samples_;
};

}  // namespace weft
