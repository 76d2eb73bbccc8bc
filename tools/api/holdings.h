// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/exchange.h"
#include "fetcher/exchange/placement.h"
#include "fetcher/link/link_info.h"
#include "fetcher/service/statistics.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/store.h"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What each node known here has of one image: the input of fetcher::placements. Pure apart from
/// the source of signatures.
namespace weft::tools {

/// A peer, as far as it is known.
struct PeerSeen {
  std::string address;
  fetcher::PeerLinkInfo link = {};
  std::optional<fetcher::PeerStatus> status = {};
  std::optional<fetcher::PeerHoldings> holdings = {};
};

struct WantedImage {
  std::string name;
  ImageInfo info;
};

/// By name, id, or 8 or more of its first digits; local images first, then those that peers list.
/// Errc::unknown_image; ambiguous_image: peers have different ones of this name or beginning.
[[nodiscard]] Result<WantedImage> find_wanted(std::string_view reference,
                                              std::span<const ImageEntry> local,
                                              std::span<const PeerSeen> peers);

/// nullopt: none is here.
using SignatureSource = std::function<std::optional<Signature>(const ImageId&)>;

/// Of a signature that is looked at here: 0.5 MiB; those of local images are estimates within 0.3
/// %.
inline constexpr std::size_t signature_keys = std::size_t{1} << 16;

/// Exact for nodes that have the image itself, whole or in part; else an estimate from the
/// signatures of what they have. Each signature is loaded once. Content is counted in distinct data
/// blocks, where the image's signature says how many it has.
class HoldingsOf {
 public:
  /// `target`: the image's signature, if it is known.
  HoldingsOf(WantedImage image, std::optional<Signature> target, SignatureSource signatures);

  /// All that there is to hold. Known from the signature; else the size.
  [[nodiscard]] ByteCount content() const { return content_; }
  [[nodiscard]] fetcher::NodeView here(std::string name, std::span<const ImageEntry> local);
  [[nodiscard]] fetcher::NodeView at(const PeerSeen& peer);

 private:
  struct Other {
    ImageId id;
    double part;
  };
  [[nodiscard]] fetcher::Share part_of_it(BlockCount missing, BlockCount data) const;
  /// nullopt: of none of them, or not of this image, a signature is known.
  [[nodiscard]] std::optional<fetcher::Share> estimate(const std::vector<Other>& others);
  [[nodiscard]] const std::optional<Signature>& signature(const ImageId& id);

  const WantedImage image_;
  const std::optional<Signature> target_;
  const SignatureSource source_;
  const ByteCount content_;
  std::map<ImageId, std::optional<Signature>> loaded_;
};

}  // namespace weft::tools
