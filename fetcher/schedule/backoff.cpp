// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/backoff.h"

#include <algorithm>

namespace weft::fetcher {

Duration backoff(unsigned attempt, std::uint64_t random, const BackoffPolicy& policy) {
  Duration pause = std::min(policy.first, policy.longest);
  for (unsigned i = 0; i < attempt && pause < policy.longest; ++i) {
    pause = std::min(pause * 2, policy.longest);
  }
  const double off = 0.5 * (static_cast<double>(random >> 11U) * 0x1p-53);
  return pause - Duration(static_cast<Duration::rep>(static_cast<double>(pause.count()) * off));
}

}  // namespace weft::fetcher
