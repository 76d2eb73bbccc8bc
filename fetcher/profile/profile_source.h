// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"

#include <optional>

namespace weft::fetcher {

/// Who knows boot profiles: the seam between what was recorded and who fetches in its order. Any
/// thread; may block on disk, never on the network.
class ProfileSource {
 public:
  virtual ~ProfileSource() = default;
  /// The best profile known here for the image: its own, else that of the most similar image that
  /// has one. nullopt: none.
  [[nodiscard]] virtual std::optional<BootProfile> find(const ImageId& image) = 0;
};

}  // namespace weft::fetcher
