// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::fetcher::wire {

/// Valid UTF-8 without control characters: safe to show and to log. What a peer sends as text must
/// be so.
[[nodiscard]] bool is_clean_text(std::string_view text) noexcept;

/// The same text made clean, at most `limit` bytes: other bytes become '?'.
[[nodiscard]] std::string cleaned(std::string_view text, std::size_t limit);

}  // namespace weft::fetcher::wire
