// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/header_bytes.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace weft {

Result<HeaderBytes> HeaderBytes::read_up_to(File& file, std::uint64_t offset, std::size_t length) {
  // Positions are signed in system calls.
  constexpr auto end = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (offset > end || length > end - offset) return bad_header("its header is damaged");
  std::vector<std::byte> bytes(length);
  WEFT_TRY(const std::size_t got, file.read_at(ByteOffset(offset), bytes));
  bytes.resize(got);
  return HeaderBytes(std::move(bytes));
}

Result<HeaderBytes> HeaderBytes::read(File& file, std::uint64_t offset, std::size_t length) {
  WEFT_TRY(HeaderBytes bytes, read_up_to(file, offset, length));
  if (bytes.size() < length) {
    return bad_header("its header is cut short: check that the file was copied completely");
  }
  return bytes;
}

Result<std::string> checked_name(std::string_view what, std::string_view name) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (name.empty() || std::ranges::any_of(name, is_control)) {
    return bad_header("the name of its " + std::string(what) + " is damaged");
  }
  return std::string(name);
}

Result<std::string> read_name(File& file, std::string_view what, std::uint64_t offset,
                              std::size_t length) {
  constexpr std::size_t max_name = 1023;
  if (length > max_name) return bad_header("its " + std::string(what) + "'s name is damaged");
  WEFT_TRY(const auto bytes, HeaderBytes::read(file, offset, length));
  return checked_name(what, bytes.text(0, length));
}

}  // namespace weft
