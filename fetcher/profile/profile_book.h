// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_source.h"
#include "indexer/core/mutex.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// The boot profiles of a node, in its catalog: the last boots of each image, merged when they are
/// asked for. An image without one borrows that of the image whose boot it shares most blocks with,
/// as its signature tells.
///
/// `store` outlives it. Thread-safe; every call may block on disk I/O.
class ProfileBook final : public ProfileKeeper {
 public:
  /// Keys of an image's signature that profiles are compared with.
  static constexpr std::size_t signature_keys = 65536;

  /// `unix_time`: seconds since 1970, for what is shown to people.
  ProfileBook(Store& store, std::function<std::int64_t()> unix_time)
      : store_(store), unix_time_(std::move(unix_time)) {}

  [[nodiscard]] std::optional<BootProfile> find(const ImageId& image) override;
  [[nodiscard]] std::optional<BootProfile> find_own(const ImageId& image) override;
  [[nodiscard]] Result<void> record(const BootProfile& profile) override;
  [[nodiscard]] Result<void> learn(const BootProfile& profile) override;
  [[nodiscard]] bool has(const ImageId& image) override;

  /// The image's own profile and where it comes from.
  struct Kept {
    BootProfile profile;
    std::size_t recorded = 0;  ///< recordings of this node merged into it
    std::size_t imported = 0;  ///< files
    bool from_peer = false;
    std::int64_t made = 0;  ///< the newest of them, seconds since 1970
  };
  /// nullopt: there is none that can be read. The disk's errors.
  [[nodiscard]] Result<std::optional<Kept>> kept(const ImageId& image);
  /// From a file. Errc::bad_request: it is not valid.
  [[nodiscard]] Result<void> import(const BootProfile& profile);
  /// False: there was none.
  [[nodiscard]] Result<bool> drop(const ImageId& image);

 private:
  /// Of each profile, as many of its lowest keys are compared: an image's boot has tens of
  /// thousands, and 2048 tell a shared part to within 1 %.
  static constexpr std::size_t keys_sampled = 2048;
  static constexpr std::size_t images_compared = 256;

  using Sample = std::shared_ptr<const std::vector<DigestKey>>;

  [[nodiscard]] Result<void> add(const BootProfile& profile, ProfileOrigin origin)
      WEFT_EXCLUDES(mutex_);
  /// Whose profile fits `image` best.
  [[nodiscard]] std::optional<ImageId> most_alike(const ImageId& image);
  [[nodiscard]] Sample sample(const ImageId& image) WEFT_EXCLUDES(mutex_);
  void forget(const ImageId& image) WEFT_EXCLUDES(mutex_);

  Store& store_;
  const std::function<std::int64_t()> unix_time_;

  Mutex mutex_;
  std::map<ImageId, Sample> samples_ WEFT_GUARDED_BY(mutex_);  // at most images_compared
};

}  // namespace weft::fetcher
