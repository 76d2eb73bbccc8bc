// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/messages.h"

namespace weft::fetcher::wire {

std::string_view to_string(Priority priority) noexcept {
  switch (priority) {
    case Priority::control:
      return "control";
    case Priority::demand:
      return "demand";
    case Priority::readahead:
      return "readahead";
    case Priority::prefetch:
      return "prefetch";
  }
  return "unknown";
}

}  // namespace weft::fetcher::wire
