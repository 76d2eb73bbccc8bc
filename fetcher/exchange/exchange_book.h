// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/wire/messages.h"
#include "indexer/tree/image_id.h"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Which signature is asked for next, and of whom. Pure.
///
/// A signature is immutable, so each is asked for once: not if one is here, not of two peers at a
/// time, and never again once learnt, even if the store has since made room for others. A peer that
/// has none is asked again when it holds more or less of the image than it did; one whose signature
/// was false is not asked for that image again.
class ExchangeBook {
 public:
  enum class Failure {
    absent,  ///< the peer has none, or not yet
    wrong,   ///< what it sent cannot be
    passing  ///< nothing to do with the image: ask again with the next list
  };

  /// Signatures of these are here.
  void known(std::span<const ImageId> images);
  /// What the peer has now; begins a new round with it.
  void listed(PeerId peer, const std::vector<wire::ImageSummary>& images);
  void gone(PeerId peer);

  /// An image to ask this peer about; it is in flight until `learnt` or `failed`. nullopt: none
  /// until the next list.
  [[nodiscard]] std::optional<ImageId> next(PeerId peer);
  /// The same for one image that is needed now, whoever is asking. False: known, or that peer is no
  /// use for it.
  [[nodiscard]] bool worth_asking(PeerId peer, const ImageId& image) const;
  [[nodiscard]] bool lists(PeerId peer, const ImageId& image) const;
  /// The image in that peer's list; null: not there.
  [[nodiscard]] const wire::ImageSummary* find(PeerId peer, const ImageId& image) const;
  /// It is being asked for.
  void asking(const ImageId& image) { in_flight_.insert(image); }
  [[nodiscard]] bool is_asked(const ImageId& image) const { return in_flight_.contains(image); }
  void learnt(const ImageId& image);
  void failed(PeerId peer, const ImageId& image, Failure why);
  /// Nobody is asking any more.
  void released(const ImageId& image) { in_flight_.erase(image); }

 private:
  struct Peer {
    std::vector<wire::ImageSummary> images;
    std::size_t at = 0;                    // in `images`: the next to look at
    std::map<ImageId, BlockCount> absent;  // it had none when it held so much
    std::set<ImageId> wrong;
  };

  std::set<ImageId> known_;
  std::set<ImageId> in_flight_;
  std::map<PeerId, Peer> peers_;
};

}  // namespace weft::fetcher
