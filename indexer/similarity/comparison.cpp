// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/comparison.h"

namespace weft {

Result<void> Comparison::add(const Signature& signature) {
  if (samples_.size() == ClusterIndex::max_images) {
    return fail(Errc::unsupported, Operation::index, "too many images to compare: name fewer");
  }
  if (signature.is_full()) WEFT_CHECK(full_.add(signature));
  samples_.push_back(sampled(signature, sample_keys));
  return {};
}

Overlap Comparison::shared(std::size_t a, std::size_t b) const {
  if (!is_full(a) || !is_full(b)) return overlap(samples_[a], samples_[b]);
  return full_.shared(samples_[a].image, samples_[b].image);
}

}  // namespace weft
