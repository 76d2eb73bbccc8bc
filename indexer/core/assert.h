// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weft {

/// Prints what was broken and aborts. A broken invariant is a bug: going on could serve wrong
/// bytes.
[[noreturn]] void assertion_failed(const char* condition, const char* message, const char* file,
                                   int line) noexcept;

}  // namespace weft

/// Always on, also in release builds. For bugs only: trouble from outside is an `Error`.
#define WEFT_ASSERT(condition, message) \
  (static_cast<bool>(condition)         \
       ? static_cast<void>(0)           \
       : ::weft::assertion_failed(#condition, message, __FILE__, __LINE__))
