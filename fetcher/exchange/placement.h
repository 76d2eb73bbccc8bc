// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/units.h"
#include "indexer/similarity/signature.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// Where an image would be cheapest to start: what each node holds of it, what it would need, how
/// long that takes and what it costs. Pure.
namespace weft::fetcher {

/// An image at a node, with the part of it that is there (0 … 1).
struct HeldImage {
  const Signature* signature = nullptr;
  double part = 1;
};

/// How many distinct blocks of `target` are in at least one of `images`. Estimated at the highest
/// shift of all; exact if every signature is full and every image whole.
[[nodiscard]] Overlap shared_with_any(const Signature& target, std::span<const HeldImage> images);

/// Content of the image that a node has, in bytes of distinct data blocks.
struct Share {
  ByteCount bytes;
  ByteCount standard_error;  ///< 0 if exact
  bool exact = true;
};

/// A node with the link between it and this node; for this node itself the link means nothing.
struct NodeView {
  std::string name;
  std::string address;  ///< "": this node
  bool connected = true;
  std::optional<Share> share;   ///< nullopt: not known
  double bytes_per_second = 0;  ///< 0: not measured
  Duration round_trip{0};
  double price_per_gib = 0;

  [[nodiscard]] bool is_here() const { return address.empty(); }
};

struct Placement {
  NodeView node;
  std::optional<ByteCount> needs;
  std::optional<Duration> time;  ///< until all of it is there
  std::optional<double> price;
  std::vector<std::string> sources;  ///< addresses it would come from; "": this node
  std::string note;                  ///< why a figure is not known; empty: all are
};

/// For each node, the cheapest to start first: by price, then time, then what it needs; what is not
/// known comes last.
///
/// This node takes from all connected peers at once, from each as much as its link brings until the
/// last byte is here: the shortest time if links do not share a bottleneck. A peer that has a part
/// of the image is taken to have the same part of what is missing here, and parts at different
/// peers to be different ones. A peer takes from this node, over the same link and at the rate
/// measured in the other direction: of links between peers nothing is known here. Nothing is
/// compressed.
[[nodiscard]] std::vector<Placement> placements(ByteCount image, std::vector<NodeView> nodes);

}  // namespace weft::fetcher
