// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"
#include "indexer/core/error.h"

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

/// Who keeps them. Any thread; may block on disk, never on the network.
class ProfileKeeper : public ProfileSource {
 public:
  /// A boot was recorded here. Errc::bad_request: it is not valid; or the disk's error.
  [[nodiscard]] virtual Result<void> record(const BootProfile& profile) = 0;
  /// A peer gave it. Kept only while nothing was recorded here or imported. Errors as above.
  [[nodiscard]] virtual Result<void> learn(const BootProfile& profile) = 0;
  /// The profile of this very image.
  [[nodiscard]] virtual std::optional<BootProfile> find_own(const ImageId& image) = 0;
  [[nodiscard]] virtual bool has(const ImageId& image) = 0;
};

}  // namespace weft::fetcher
