// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"

#include <cstdint>
#include <span>
#include <vector>

/// The bounds of the protocol on the values of messages (WIRE.md §4), for both directions of the
/// codec. Each returns true if `m` is within them.
namespace weft::fetcher::wire {

/// Not empty, inside the largest image, ascending and disjoint.
[[nodiscard]] bool is_ordered(std::span<const BlockRange> ranges);
/// Not empty, inside the largest image and disjoint, in any order.
[[nodiscard]] bool is_disjoint(std::span<const BlockRange> ranges);
/// Sum of the counts. The ranges are inside the largest image.
[[nodiscard]] std::uint64_t total_blocks(std::span<const BlockRange> ranges);

[[nodiscard]] bool in_bounds(const Hello& m);
[[nodiscard]] bool in_bounds(const ImageSummary& m);
[[nodiscard]] bool in_bounds(const ImageListRequest& m);
[[nodiscard]] bool in_bounds(const ImageList& m);
[[nodiscard]] bool in_bounds(const FindImageRequest& m);
[[nodiscard]] bool in_bounds(const TreeNodes& m);
[[nodiscard]] bool in_bounds(const ImageFound& m);
[[nodiscard]] bool in_bounds(const TreeNodesRequest& m);
[[nodiscard]] bool in_bounds(const BlocksRequest& m);
[[nodiscard]] bool in_bounds(const BlocksByDigestRequest& m);
[[nodiscard]] bool in_bounds(const BlockBatch& m);
[[nodiscard]] bool in_bounds(const Cancel& m);
[[nodiscard]] bool in_bounds(const Reprioritise& m);
[[nodiscard]] bool in_bounds(const WatchResidency& m);
[[nodiscard]] bool in_bounds(const Residency& m);
[[nodiscard]] bool in_bounds(const Ping& m);
[[nodiscard]] bool in_bounds(const Pong& m);
[[nodiscard]] bool in_bounds(const Failure& m);
[[nodiscard]] bool in_bounds(const SignatureRequest& m);
[[nodiscard]] bool in_bounds(const SignatureAnswer& m);
[[nodiscard]] bool in_bounds(const HaveRequest& m);
[[nodiscard]] bool in_bounds(const HaveAnswer& m);
[[nodiscard]] bool in_bounds(const SwarmRequest& m);
[[nodiscard]] bool in_bounds(const SwarmAnswer& m);
[[nodiscard]] bool in_bounds(const ProfileRequest& m);
[[nodiscard]] bool in_bounds(const ProfileAnswer& m);

}  // namespace weft::fetcher::wire
