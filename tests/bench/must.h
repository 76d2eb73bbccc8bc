// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weft::bench {

/// What must be there for a benchmark to go on: throws if it is not, which `Report::run` tells.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace weft::bench
