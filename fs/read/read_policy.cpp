// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_policy.h"

#include <cerrno>

namespace weft::fs {

std::string_view to_string(WhenMissing policy) noexcept {
  switch (policy) {
    case WhenMissing::hold:
      return "hold";
    case WhenMissing::eio:
      return "eio";
    case WhenMissing::eagain:
      return "eagain";
  }
  return "hold";
}

std::optional<WhenMissing> parse_when_missing(std::string_view text) noexcept {
  for (const auto policy : {WhenMissing::hold, WhenMissing::eio, WhenMissing::eagain}) {
    if (text == to_string(policy)) return policy;
  }
  return std::nullopt;
}

int errno_of_failed_read(WhenMissing policy, const Error& error) noexcept {
  if (error.is(Errc::cancelled)) return EINTR;
  if (!is_retriable(error)) return to_errno(error);
  return policy == WhenMissing::eagain ? EAGAIN : EIO;
}

}  // namespace weft::fs
