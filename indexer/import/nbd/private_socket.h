// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <cstddef>
#include <vector>

namespace weft {

/// A listening Unix socket with all its clients connected and no name any more.
struct PrivateSocket {
  UniqueFd listener;
  std::vector<UniqueFd> clients;

  /// Makes it in a directory of mode 0700, which is gone again on return. errno.
  [[nodiscard]] static Result<PrivateSocket> make(std::size_t clients);
};

}  // namespace weft
