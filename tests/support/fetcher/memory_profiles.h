// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_source.h"

#include <map>
#include <optional>

namespace weft::fetcher::testing {

/// Profiles in a map. Not thread-safe.
class MemoryProfiles final : public ProfileKeeper {
 public:
  std::optional<BootProfile> find(const ImageId& image) override {
    return has(image) ? find_own(image) : of_relatives;
  }
  std::optional<BootProfile> find_own(const ImageId& image) override {
    const auto found = own.find(image);
    return found == own.end() ? std::nullopt : std::optional(found->second);
  }
  bool has(const ImageId& image) override { return own.contains(image); }
  Result<void> record(const BootProfile& profile) override {
    own[profile.image] = profile;
    return {};
  }
  Result<void> learn(const BootProfile& profile) override { return record(profile); }

  std::map<ImageId, BootProfile> own;
  std::optional<BootProfile> of_relatives;
};

}  // namespace weft::fetcher::testing
