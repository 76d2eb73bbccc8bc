// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"

#include <cstdio>
#include <cstdlib>

namespace weft {

void assertion_failed(const char* condition, const char* message, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "weft: bug at %s:%d: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace weft
