// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/open_elsewhere.h"

#include <cerrno>

#include <fcntl.h>

namespace weft {

bool is_open_elsewhere(const File& file) {
  const int descriptor = file.descriptor();
  if (::fcntl(descriptor, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN;
  static_cast<void>(::fcntl(descriptor, F_SETLEASE, F_UNLCK));
  return false;
}

}  // namespace weft
