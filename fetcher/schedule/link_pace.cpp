// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/link_pace.h"

#include <algorithm>

namespace weft::fetcher {

const LinkPace* find_pace(std::span<const LinkPace> links, PeerId peer) {
  const auto it = std::ranges::lower_bound(links, peer, {}, &LinkPace::peer);
  return it == links.end() || it->peer != peer ? nullptr : &*it;
}

}  // namespace weft::fetcher
