// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/placement.h"
#include "fetcher/link/link_info.h"
#include "fetcher/link/link_monitor.h"
#include "fetcher/plan/problem.h"
#include "indexer/core/units.h"
#include "indexer/similarity/signature.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// What would have to come of an image, and who holds it: a planner's problem made before anything
/// moves, from signatures. Pure.
namespace weft::fetcher {

/// A connected peer as a source.
struct SourceView {
  std::string address;
  LinkView link;
  PeerLinkInfo info;
  double part = 0;                ///< of the image itself that it has, 0 … 1
  std::vector<HeldImage> others;  ///< what else it has
};

/// What there is to know of the image here.
struct TargetView {
  const Signature* signature = nullptr;  ///< null: not known, all blocks are alike
  BlockCount blocks;                     ///< distinct data blocks, or all if that is not known
  std::optional<BlockCount> missing;     ///< counted; nullopt: nothing of the image itself is here
  bool tree_here = false;
  std::vector<HeldImage> others;  ///< local images; ignored where `missing` is counted
};

struct TransferEstimate {
  plan::Problem problem;  ///< sources as given; one tier
  ByteCount missing;      ///< content that must come
  ByteCount wire;         ///< the same on the wire, with its part of the tree
  ByteCount unheld;       ///< of `missing`: no source is known to hold it
  bool exact = true;      ///< false: who holds what, or what is missing, is an estimate
};

/// On the wire a block takes `wire_ratio` of its size, and its digest 32 bytes unless the tree is
/// here. The rate of a source is what its link brings, less what is lost of its service.
///
/// Every key of the signature stands for as many blocks as the sampling says. A peer that has all
/// of the image holds all of them; of a part that is not known in detail, each block is held with
/// its probability, drawn by key and peer: the same always, and independent between peers.
[[nodiscard]] TransferEstimate estimate_transfer(const TargetView& target,
                                                 std::span<const SourceView> sources,
                                                 const OwnLinkInfo& own, double wire_ratio);

/// The planner's source for a link; `rate` in place of the measured mean.
[[nodiscard]] plan::Source plan_source(const SourceView& view, double rate);
/// The measured rate, or the default where nothing is known.
[[nodiscard]] double rate_of(const LinkView& link);

}  // namespace weft::fetcher
