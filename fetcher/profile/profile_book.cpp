// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_book.h"

#include "fetcher/profile/profile_codec.h"
#include "fetcher/profile/profile_match.h"
#include "fetcher/profile/profile_merge.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {

Result<void> ProfileBook::add(const BootProfile& profile, ProfileOrigin origin) {
  if (!is_valid(profile)) {
    return fail(Errc::bad_request, Operation::catalog,
                "boot profile of " + to_hex(profile.image) + " that cannot be");
  }
  WEFT_CHECK(store_.add_profile(
      profile.image, {.origin = origin, .made = unix_time_(), .encoded = encode_profile(profile)}));
  forget(profile.image);
  return {};
}

Result<void> ProfileBook::record(const BootProfile& profile) {
  return add(profile, ProfileOrigin::recorded);
}

Result<void> ProfileBook::import(const BootProfile& profile) {
  return add(profile, ProfileOrigin::imported);
}

Result<void> ProfileBook::learn(const BootProfile& profile) {
  WEFT_TRY(const auto own, kept(profile.image));
  if (own && (own->recorded > 0 || own->imported > 0)) return {};
  return add(profile, ProfileOrigin::peer);
}

bool ProfileBook::has(const ImageId& image) {
  const auto own = kept(image);
  return own && own->has_value();
}

Result<std::optional<ProfileBook::Kept>> ProfileBook::kept(const ImageId& image) {
  WEFT_TRY(const auto rows, store_.profiles(image));
  Kept all;
  std::vector<BootProfile> boots;
  for (const ProfileRow& row : rows) {
    auto profile = decode_profile(row.encoded);
    if (!profile || profile->image != image) {
      // Of a newer weft that ran here, or damaged: a hint less.
      spdlog::debug("a profile of {} is left alone: {}", to_hex(image),
                    profile ? "it is of another image" : profile.error().message());
      continue;
    }
    boots.push_back(*std::move(profile));
    all.recorded += row.origin == ProfileOrigin::recorded ? 1 : 0;
    all.imported += row.origin == ProfileOrigin::imported ? 1 : 0;
    all.from_peer |= row.origin == ProfileOrigin::peer;
    all.made = std::max(all.made, row.made);
  }
  if (boots.empty()) return std::nullopt;
  all.profile = merge_boots(boots);
  return all;
}

std::optional<BootProfile> ProfileBook::find_own(const ImageId& image) {
  auto own = kept(image);
  if (!own) {
    spdlog::warn("the profile of {} cannot be read: {}", to_hex(image), own.error().message());
    return std::nullopt;
  }
  if (!*own) return std::nullopt;
  (void)store_.profile_used(image);  // only an order of eviction
  return std::move((*own)->profile);
}

std::optional<BootProfile> ProfileBook::find(const ImageId& image) {
  if (auto own = find_own(image)) return own;
  const auto relative = most_alike(image);
  return relative ? find_own(*relative) : std::nullopt;
}

std::optional<ImageId> ProfileBook::most_alike(const ImageId& image) {
  const auto images = store_.profiled_images();
  if (!images || images->empty()) return std::nullopt;
  const auto signature = store_.signature(image, signature_keys);
  if (!signature) return std::nullopt;
  std::optional<ImageId> best;
  double most = 0;
  for (const ImageId& other : std::span(*images).first(std::min(images->size(), images_compared))) {
    const Sample keys = sample(other);
    const auto part = keys ? part_held(*keys, *signature) : std::nullopt;
    if (!part || *part < least_part_held || *part <= most) continue;
    best = other;
    most = *part;
  }
  return best;
}

ProfileBook::Sample ProfileBook::sample(const ImageId& image) {
  {
    const Lock lock(mutex_);
    if (const auto found = samples_.find(image); found != samples_.end()) return found->second;
  }
  const auto own = kept(image);
  if (!own || !*own) return nullptr;
  auto keys = keys_of((*own)->profile);
  keys.resize(std::min(keys.size(), keys_sampled));
  auto made = std::make_shared<const std::vector<DigestKey>>(std::move(keys));
  const Lock lock(mutex_);
  if (samples_.size() >= images_compared) samples_.erase(samples_.begin());
  samples_[image] = made;
  return made;
}

void ProfileBook::forget(const ImageId& image) {
  const Lock lock(mutex_);
  samples_.erase(image);
}

Result<bool> ProfileBook::drop(const ImageId& image) {
  forget(image);
  return store_.drop_profiles(image);
}

}  // namespace weft::fetcher
