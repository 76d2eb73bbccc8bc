// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/header_bytes.h"
#include "indexer/import/formats/parsers.h"

#include <algorithm>
#include <string>

namespace weft::formats {
namespace {

constexpr std::size_t v2_header_size = 72;
constexpr std::size_t v3_header_size = 104;

constexpr std::uint64_t incompatible_corrupt = 1U << 1;
constexpr std::uint64_t incompatible_data_file = 1U << 2;
// Dirty, corrupt, data file, compression type, extended L2. A dirty image has reference counts that
// are behind: they are not needed to read it.
constexpr std::uint64_t incompatible_known = 0x1f;

constexpr std::uint32_t extension_end = 0;
constexpr std::uint32_t extension_backing_format = 0xe2792aca;
constexpr std::uint32_t extension_data_file = 0x44415441;

struct Header {
  std::uint64_t cluster_size;
  std::uint64_t backing_offset;
  std::uint32_t backing_length;
  std::uint64_t incompatible;
  std::uint32_t length;
};

Result<Header> read_fixed_part(File& file) {
  WEFT_TRY(const auto bytes, HeaderBytes::read(file, 0, v2_header_size));
  if (bytes.text(0, 4) != "QFI\xfb") return bad_header("it is not a qcow2 image");
  const auto version = bytes.big<std::uint32_t>(4);
  if (version != 2 && version != 3) {
    return bad_header("qcow2 version " + std::to_string(version) + " is not known");
  }
  const auto cluster_bits = bytes.big<std::uint32_t>(20);
  if (cluster_bits < 9 || cluster_bits > 21) return bad_header("its cluster size is damaged");
  if (const auto method = bytes.big<std::uint32_t>(32); method != 0) {
    return bad_header("it is encrypted (" + std::string(method == 1 ? "AES" : "LUKS") +
                      "): decrypt it first, with `qemu-img convert` and its secret");
  }
  Header header{.cluster_size = std::uint64_t{1} << cluster_bits,
                .backing_offset = bytes.big<std::uint64_t>(8),
                .backing_length = bytes.big<std::uint32_t>(16),
                .incompatible = 0,
                .length = v2_header_size};
  if (version == 3) {
    WEFT_TRY(const auto more, HeaderBytes::read(file, 0, v3_header_size));
    header.incompatible = more.big<std::uint64_t>(72);
    header.length = more.big<std::uint32_t>(100);
    if (header.length < v3_header_size || header.length > header.cluster_size) {
      return bad_header("its header length is damaged");
    }
  }
  return header;
}

Result<void> check_features(const Header& header) {
  if ((header.incompatible & incompatible_corrupt) != 0) {
    return bad_header(
        "it is marked corrupt: repair a copy of it with `qemu-img check -r all` and import that");
  }
  if ((header.incompatible & ~incompatible_known) != 0) {
    return bad_header(
        "it uses qcow2 features that are not known here: convert it with a newer "
        "`qemu-img convert`");
  }
  return {};
}

Result<void> read_extensions(File& file, const Header& header, FileReferences& found) {
  // They end at the backing file's name or with the first cluster; the reader of the format takes
  // less for damage.
  const std::uint64_t end =
      header.backing_offset != 0 ? header.backing_offset : header.cluster_size;
  if (end < header.length) return bad_header("its backing file's name is damaged");
  WEFT_TRY(
      const auto bytes,
      HeaderBytes::read_up_to(file, header.length, static_cast<std::size_t>(end - header.length)));
  for (std::size_t at = 0; at + 8 <= bytes.size();) {
    const auto type = bytes.big<std::uint32_t>(at);
    const auto length = bytes.big<std::uint32_t>(at + 4);
    at += 8;
    if (type == extension_end) return {};
    if (length > bytes.size() - at) return bad_header("its header extensions are damaged");
    const std::string_view text = bytes.text(at, length);
    if (type == extension_backing_format) {
      WEFT_TRY(found.backing_format, checked_name("backing file's format", text));
    } else if (type == extension_data_file) {
      WEFT_TRY(found.data_file, checked_name("data file", text));
    }
    at += std::min(bytes.size() - at, (std::size_t{length} + 7) / 8 * 8);
  }
  return {};
}

// The name begins in the first cluster; it must end there, too.
Result<void> read_backing(File& file, const Header& header, FileReferences& found) {
  if (header.backing_offset == 0) return {};
  if (header.backing_length > header.cluster_size - header.backing_offset) {
    return bad_header("its backing file's name is damaged");
  }
  if (header.backing_length == 0) return {};
  WEFT_TRY(found.backing,
           read_name(file, "backing file", header.backing_offset, header.backing_length));
  return {};
}

}  // namespace

Result<FileReferences> read_qcow2(File& file) {
  WEFT_TRY(const Header header, read_fixed_part(file));
  WEFT_CHECK(check_features(header));
  FileReferences found;
  if (header.backing_offset >= header.cluster_size) {
    return bad_header("its backing file's name is damaged");
  }
  WEFT_CHECK(read_extensions(file, header, found));
  WEFT_CHECK(read_backing(file, header, found));
  const bool has_data_file = (header.incompatible & incompatible_data_file) != 0;
  if (has_data_file && !found.data_file) {
    return bad_header("its data are in another file, which it does not name");
  }
  if (!has_data_file) found.data_file.reset();
  if (!found.backing) found.backing_format.reset();
  return found;
}

}  // namespace weft::formats
