// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/store/store.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Which images a question about shared content speaks of, and what they are called. Pure.
namespace weft::tools {

/// An image as a peer lists it.
struct PeerImage {
  ImageId id;
  std::string name;
  std::string node;  ///< the peer's own name
};

struct ComparedImage {
  ImageId id;
  std::string name;  ///< empty: none is known
  std::string node;  ///< empty: it is here; "?": at a peer whose name is not known (any more)

  /// "deb12", "deb12@rack3-7", or the beginning of the id for want of a name.
  [[nodiscard]] std::string label() const;
};

/// What is known of: the store's images, and those of which peers have sent the signature.
class KnownImages {
 public:
  /// `signatures`: Store::signatures_known. One entry per content: of several names the first.
  KnownImages(std::span<const ImageEntry> local, std::span<const ImageId> signatures,
              std::span<const PeerImage> at_peers);

  /// Local ones by name, then those of peers.
  [[nodiscard]] const std::vector<ComparedImage>& all() const noexcept { return images_; }
  /// By label, by name (a local image first), by id or by 8 or more of its first digits.
  /// Errc::unknown_image, ambiguous_image.
  [[nodiscard]] Result<ComparedImage> find(std::string_view reference) const;

 private:
  std::vector<ComparedImage> images_;
  std::vector<ComparedImage> aliases_;  // further names of local ones
};

/// Splits "web,db" at the commas; empty parts count for nothing.
[[nodiscard]] std::vector<std::string> split_names(std::string_view list);

}  // namespace weft::tools
