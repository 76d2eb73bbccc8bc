// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/text.h"

#include <cstdint>

namespace weft::fetcher::wire {
namespace {

// Length of the clean character at the front of `text`; 0 if there is none.
std::size_t clean_character(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  std::uint32_t point = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (at(i) & 0x3fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  const bool control = point < 0xa0;  // U+0080 … U+009F
  return point >= smallest[length] && point <= 0x10ffff && !surrogate && !control ? length : 0;
}

}  // namespace

bool is_clean_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = clean_character(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string cleaned(std::string_view text, std::size_t limit) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = clean_character(text);
    const std::string_view next = length == 0 ? "?" : text.substr(0, length);
    if (clean.size() + next.size() > limit) break;
    clean += next;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

}  // namespace weft::fetcher::wire
