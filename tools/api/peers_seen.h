// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/holdings.h"

#include <vector>

namespace weft::tools {

class Node;

/// Every peer, with what is known of it now. Empty without a network. May block shortly.
[[nodiscard]] std::vector<PeerSeen> peers_seen(Node& node);

/// The signatures that the node's store has. The node outlives it.
[[nodiscard]] SignatureSource signatures_of(Node& node);

/// The signature of an image, asked of the peers if none is here: one round trip, at most 3 s.
[[nodiscard]] std::optional<Signature> find_signature(Node& node, const ImageId& image);

}  // namespace weft::tools
