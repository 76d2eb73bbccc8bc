// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/transfer_estimate.h"
#include "tools/api/holdings.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weft::tools {

/// A peer that is no source of a plan, and why.
struct LeftOutPeer {
  std::string address;
  std::string name;
  std::string reason;
};

/// What a plan for one image is made from, out of what is known of this node and its peers. Pure
/// apart from the source of signatures. The views refer to signatures in here: it must stay where
/// it is while they are used.
class PlanInputs {
 public:
  /// `target`: the image's signature, if it is known.
  PlanInputs(WantedImage image, std::optional<Signature> target, SignatureSource signatures);
  PlanInputs(const PlanInputs&) = delete;
  PlanInputs& operator=(const PlanInputs&) = delete;

  void see_local(std::span<const ImageEntry> local);
  /// `whole_tree`: the image's tree is here, so that no digest has to come.
  void tree_is_here(bool whole_tree) { target_.tree_here = whole_tree; }
  void see_peers(std::span<const PeerSeen> peers);

  [[nodiscard]] const WantedImage& image() const { return image_; }
  /// All that there is to hold, as in HoldingsOf.
  [[nodiscard]] ByteCount content() const { return bytes_of(target_.blocks); }
  [[nodiscard]] bool signature_known() const { return signature_.has_value(); }
  [[nodiscard]] const fetcher::TargetView& target() const { return target_; }
  [[nodiscard]] const std::vector<fetcher::SourceView>& sources() const { return sources_; }
  /// Of the peers that are sources: the name that each has, in the same order.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const std::vector<LeftOutPeer>& left_out() const { return left_out_; }
  /// A signature of an image that is here or at a peer is not known: there may be more of it.
  [[nodiscard]] bool incomplete() const { return incomplete_; }

 private:
  void see_peer(const PeerSeen& peer);
  void add(std::vector<fetcher::HeldImage>& held, const ImageId& id, double part);

  const WantedImage image_;
  const std::optional<Signature> signature_;
  const SignatureSource source_;
  std::map<ImageId, std::optional<Signature>> loaded_;
  fetcher::TargetView target_;
  std::vector<fetcher::SourceView> sources_;
  std::vector<std::string> names_;
  std::vector<LeftOutPeer> left_out_;
  bool incomplete_ = false;
};

}  // namespace weft::tools
