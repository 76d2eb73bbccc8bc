// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/prefetch_order.h"

#include <cstdint>

/// Orders that know no plan: what other systems do.
namespace weft::fetcher {

/// From the start of the image to its end.
class ImageOrder final : public PrefetchOrder {
 public:
  [[nodiscard]] Picked pick(const Offer& offer) const override;
};

/// Image order, each block from its nearest lively holder only: the least round trip, of equals the
/// fastest.
class NearestOrder final : public PrefetchOrder {
 public:
  [[nodiscard]] Picked pick(const Offer& offer) const override;
};

/// A batch at a time, from anywhere. Which, depends on `seed`, the peer and what is left.
class RandomOrder final : public PrefetchOrder {
 public:
  explicit RandomOrder(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] Picked pick(const Offer& offer) const override;

 private:
  std::uint64_t seed_;
};

/// Batches that the fewest connected peers hold, out of a random window: `window` places of the
/// image, chosen by `seed`, the peer and what is left. So nodes that fetch the same image at the
/// same time from one origin ask it for different blocks, and can help each other.
class RarestFirst final : public PrefetchOrder {
 public:
  explicit RarestFirst(std::uint64_t seed, std::size_t window = 32)
      : seed_(seed), window_(window) {}
  [[nodiscard]] Picked pick(const Offer& offer) const override;

 private:
  std::uint64_t seed_;
  std::size_t window_;
};

}  // namespace weft::fetcher
