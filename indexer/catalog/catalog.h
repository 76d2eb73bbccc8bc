// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/disk_row.h"
#include "indexer/catalog/link_row.h"
#include "indexer/catalog/profile_row.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/tree/image_id.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

/// A row of `image`, see schema.sql.
struct CatalogImage {
  ImageInfo info;
  bool in_place = false;
  std::string source;
  bool lender = false;
  friend bool operator==(const CatalogImage&, const CatalogImage&) = default;
};

/// What the signatures kept may take together.
struct SignatureLimits {
  std::uint64_t count = 4096;
  ByteCount bytes{128u << 20};
};

/// The small facts of a state directory that must change together: names, images, who borrows from
/// whom, settings. A SQLite database; each call is one transaction, durable when it returns.
///
/// Thread-safe: one connection, one lock. Errors: Errc::damaged_state, newer_state, or the disk's.
class Catalog {
 public:
  /// Creates, migrates and checks the database.
  [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& path);
  virtual ~Catalog() = default;

  [[nodiscard]] virtual const NodeId& node_id() const noexcept = 0;

  [[nodiscard]] virtual Result<std::vector<CatalogImage>> images() = 0;
  [[nodiscard]] virtual Result<std::optional<CatalogImage>> image(const ImageId& id) = 0;
  /// Every (name, image), by name.
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, ImageId>>> names() = 0;
  [[nodiscard]] virtual Result<std::optional<ImageId>> image_named(std::string_view name) = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> names_of(const ImageId& id) = 0;

  /// Adds the image, or makes a lender an image again, and points `name` to it. The row of an image
  /// that is known stays as it is. It borrows from `lenders`. An empty name: none points to it.
  /// Errc::name_taken: the name points to another image, or is a disk's.
  [[nodiscard]] virtual Result<void> add(std::string_view name, const CatalogImage& image,
                                         std::span<const ImageId> lenders = {}) = 0;
  /// Points a name from one image to another, which is added, or made an image again, if it must;
  /// it borrows from `lenders`. Errc::unknown_image: no such name; name_taken: it does not point to
  /// `from` (any more).
  [[nodiscard]] virtual Result<void> move_name(std::string_view name, const ImageId& from,
                                               const CatalogImage& to,
                                               std::span<const ImageId> lenders) = 0;
  /// A lender is an image again, without a name.
  [[nodiscard]] virtual Result<void> wake(const ImageId& id) = 0;
  /// Takes the name away; the image stays.
  [[nodiscard]] virtual Result<void> remove_name(std::string_view name) = 0;
  /// The image has no names and borrows nothing any more, and stays for its borrowers.
  [[nodiscard]] virtual Result<void> make_lender(const ImageId& id) = 0;
  /// Deletes names, borrows from others, and the image. Nobody may borrow from it.
  [[nodiscard]] virtual Result<void> remove_image(const ImageId& id) = 0;

  [[nodiscard]] virtual Result<void> add_borrow(const ImageId& borrower, const ImageId& lender) = 0;
  [[nodiscard]] virtual Result<void> remove_borrow(const ImageId& borrower,
                                                   const ImageId& lender) = 0;
  [[nodiscard]] virtual Result<std::vector<ImageId>> borrowers_of(const ImageId& lender) = 0;
  [[nodiscard]] virtual Result<std::vector<ImageId>> lenders_of(const ImageId& borrower) = 0;

  [[nodiscard]] virtual Result<std::optional<std::string>> setting(std::string_view kind,
                                                                   std::string_view key) = 0;
  /// nullopt removes it.
  [[nodiscard]] virtual Result<void> set_setting(std::string_view kind, std::string_view key,
                                                 std::optional<std::string_view> json) = 0;
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, std::string>>> settings(
      std::string_view kind) = 0;

  /// Keeps an encoded signature in place of an older one of this image; what was not used for the
  /// longest time goes until all of them are within `limits`. One too large for them is not kept.
  [[nodiscard]] virtual Result<void> put_signature(const ImageId& id,
                                                   std::span<const std::byte> encoded,
                                                   SignatureLimits limits) = 0;
  /// Counts as a use.
  [[nodiscard]] virtual Result<std::optional<std::vector<std::byte>>> signature(
      const ImageId& id) = 0;
  [[nodiscard]] virtual Result<void> remove_signature(const ImageId& id) = 0;
  [[nodiscard]] virtual Result<std::vector<ImageId>> signatures() = 0;

  /// What was measured of links, in place of all that is kept.
  [[nodiscard]] virtual Result<void> put_links(std::span<const LinkRow> links) = 0;
  [[nodiscard]] virtual Result<std::vector<LinkRow>> links() = 0;

  /// Adds a recording of an image's boot; the image need not be here. Rows of this image that came
  /// from peers go; so do the oldest of the image beyond `limits`, then those of the images that
  /// were not used for the longest time. One too large for them is not kept.
  [[nodiscard]] virtual Result<void> add_profile(const ImageId& image, const ProfileRow& row,
                                                 ProfileLimits limits) = 0;
  /// Oldest first.
  [[nodiscard]] virtual Result<std::vector<ProfileRow>> profiles(const ImageId& image) = 0;
  [[nodiscard]] virtual Result<void> profile_used(const ImageId& image) = 0;
  /// False: there was none.
  [[nodiscard]] virtual Result<bool> drop_profiles(const ImageId& image) = 0;
  /// Images that have profiles, last used first.
  [[nodiscard]] virtual Result<std::vector<ImageId>> profiled_images() = 0;

  /// Writable disks, by name.
  [[nodiscard]] virtual Result<std::vector<DiskRow>> disks() = 0;
  [[nodiscard]] virtual Result<std::optional<DiskRow>> disk(std::string_view name) = 0;
  /// Names of the disks over an image.
  [[nodiscard]] virtual Result<std::vector<std::string>> disks_over(const ImageId& base) = 0;
  /// Errc::name_taken: an image or a disk has this name.
  [[nodiscard]] virtual Result<void> add_disk(std::string_view name, const ImageId& base) = 0;
  [[nodiscard]] virtual Result<void> remove_disk(std::string_view name) = 0;
};

}  // namespace weft
