// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <string>

namespace weft::fs {

enum class Liveness {
  answers,  ///< somebody serves it (the answer may be an error)
  dead,     ///< its connection is gone: nobody can serve it any more
  hung      ///< no answer before the deadline
};

/// Asks the file system at `path` for its attributes, past all caches. A child process does it, so
/// that a mount that never answers costs `deadline` and not this thread. Any thread may call it.
[[nodiscard]] Liveness probe(const std::string& path, Duration deadline);

}  // namespace weft::fs
