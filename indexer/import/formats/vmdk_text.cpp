// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/units.h"
#include "indexer/import/formats/header_bytes.h"
#include "indexer/import/formats/parsers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace weft::formats {
namespace {

constexpr std::size_t max_extents = 512;
constexpr std::size_t max_extent_name = 511;
constexpr std::uint32_t no_parent = 0xffffffff;
constexpr std::array extent_types{"FLAT", "SPARSE", "VMFS", "VMFSSPARSE", "SESPARSE"};
constexpr std::string_view blanks = " \t\r";

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view without_leading_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text;
}

std::string_view take_word(std::string_view& line) {
  line = without_leading_blanks(line);
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A quoted value of the first `key` anywhere in the text: where QEMU looks for it too.
Result<std::optional<std::string>> quoted(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + key.size());
  const std::size_t end = rest.starts_with("=\"") ? rest.find('"', 2) : std::string_view::npos;
  if (end == std::string_view::npos) {
    return bad_header("its descriptor is damaged at " + std::string(key));
  }
  WEFT_TRY(std::string value, checked_name(key, rest.substr(2, end - 2)));
  return value;
}

std::uint32_t content_id(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = without_leading_blanks(take_line(text));
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    return number<std::uint32_t>(take_word(line), 16).value_or(no_parent);
  }
  return no_parent;
}

bool is_extent_line(std::string_view line) {
  const std::string_view access = take_word(line);
  return access == "RW" || access == "RDONLY" || access == "NOACCESS";
}

Result<VmdkExtent> parse_extent(std::string_view line) {
  const auto damaged = [] { return bad_header("an extent in its descriptor is damaged"); };
  if (take_word(line) != "RW") {
    return bad_header("its descriptor has an extent that is not RW: QEMU cannot read it");
  }
  const auto sectors = number<std::uint64_t>(take_word(line));
  if (!sectors || *sectors == 0 || *sectors > max_image_size.value() / 512) return damaged();
  const std::string_view type = take_word(line);
  if (std::ranges::find(extent_types, type) == extent_types.end()) {
    return bad_header("its descriptor has an extent of a type that QEMU cannot read");
  }
  line = without_leading_blanks(line);
  const std::size_t end = line.starts_with('"') ? line.find('"', 1) : std::string_view::npos;
  if (end == std::string_view::npos || end - 1 > max_extent_name) return damaged();
  WEFT_TRY(std::string name, checked_name("extent", line.substr(1, end - 1)));
  line.remove_prefix(end + 1);
  const auto offset = number<std::uint64_t>(take_word(line));
  if (type == "FLAT" && (!offset || *offset > max_image_size.value() / 512)) return damaged();
  return VmdkExtent{.sectors = *sectors,
                    .type = std::string(type),
                    .file = std::move(name),
                    .offset = type == "FLAT" ? *offset : 0};
}

Result<std::vector<VmdkExtent>> parse_extents(std::string_view text) {
  std::vector<VmdkExtent> extents;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (!is_extent_line(line)) continue;
    if (extents.size() == max_extents) {
      return bad_header("it has more than 512 extents: convert it with `qemu-img convert`");
    }
    WEFT_TRY(extents.emplace_back(), parse_extent(line));
  }
  return extents;
}

}  // namespace

Result<VmdkText> parse_vmdk_text(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  VmdkText found;
  WEFT_TRY(found.parent, quoted(text, "parentFileNameHint"));
  WEFT_TRY(const auto type, quoted(text, "createType"));
  found.descriptor.create_type = type.value_or("");
  found.descriptor.cid = content_id(text, "CID=");
  found.descriptor.parent_cid = content_id(text, "parentCID=");
  if (found.descriptor.parent_cid != no_parent && !found.parent) {
    return bad_header("it is a difference to another disk, which it does not name");
  }
  WEFT_TRY(found.descriptor.extents, parse_extents(text));
  return found;
}

}  // namespace weft::formats
