// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/header_bytes.h"
#include "indexer/import/formats/parsers.h"

#include <string_view>

namespace weft::formats {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view merge_first =
    "it is a differencing disk, whose parent cannot be read with it: merge it into its parent (or "
    "export the whole disk) where it was made, and import that";

constexpr std::size_t footer_size = 512;
constexpr std::uint32_t vhd_fixed = 2;
constexpr std::uint32_t vhd_dynamic = 3;
constexpr std::uint32_t vhd_differencing = 4;

constexpr std::uint64_t vhdx_regions[] = {192 << 10, 256 << 10};
constexpr std::size_t vhdx_table_size = 64 << 10;
constexpr std::uint16_t vhdx_max_entries = 2047;
constexpr std::size_t guid_size = 16;
// GUIDs as the file has them: the first three groups little-endian.
constexpr std::string_view guid_metadata =
    "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"sv;
constexpr std::string_view guid_file_parameters =
    "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"sv;
constexpr std::uint32_t vhdx_has_parent = 1U << 1;

constexpr std::uint32_t vdi_dynamic = 1;
constexpr std::uint32_t vdi_static = 2;
constexpr std::uint32_t vdi_differencing = 4;

// Offset of the region with the metadata, by the first region table that is one.
Result<std::uint64_t> find_metadata(File& file) {
  for (const std::uint64_t at : vhdx_regions) {
    WEFT_TRY(const auto table, HeaderBytes::read(file, at, vhdx_table_size));
    const auto entries = table.little<std::uint32_t>(8);
    if (table.text(0, 4) != "regi" || entries > vhdx_max_entries) continue;
    for (std::size_t entry = 16; entry < 16 + 32 * std::size_t{entries}; entry += 32) {
      if (table.text(entry, guid_size) == guid_metadata) {
        return table.little<std::uint64_t>(entry + guid_size);
      }
    }
  }
  return bad_header("its region table is damaged");
}

}  // namespace

Result<FileReferences> read_vhd(File& file) {
  WEFT_TRY(const FileStat stat, file.stat());
  if (stat.size.value() < footer_size) return bad_header("it is cut short");
  WEFT_TRY(auto footer, HeaderBytes::read(file, 0, footer_size));
  const bool copy_at_the_start = footer.text(0, 8) == "conectix";
  if (!copy_at_the_start) {
    // The footer may be one byte short of a sector in files by very old programs: QEMU knows those.
    WEFT_TRY(footer, HeaderBytes::read(file, stat.size.value() - footer_size, footer_size));
    if (footer.text(0, 8) != "conectix") return bad_header("it is not a VHD image");
  }
  const auto type = footer.big<std::uint32_t>(60);
  if (type == vhd_differencing) return bad_header(std::string(merge_first));
  if (type != (copy_at_the_start ? vhd_dynamic : vhd_fixed)) {
    return bad_header("its type of VHD is damaged");
  }
  return FileReferences{};
}

Result<FileReferences> read_vhdx(File& file) {
  WEFT_TRY(const auto start, HeaderBytes::read(file, 0, 8));
  if (start.text(0, 8) != "vhdxfile") return bad_header("it is not a VHDX image");
  WEFT_TRY(const std::uint64_t at, find_metadata(file));
  WEFT_TRY(const auto table, HeaderBytes::read(file, at, vhdx_table_size));
  const auto entries = table.little<std::uint16_t>(10);
  if (table.text(0, 8) != "metadata" || entries > vhdx_max_entries) {
    return bad_header("its metadata table is damaged");
  }
  for (std::size_t entry = 32; entry < 32 + 32 * std::size_t{entries}; entry += 32) {
    if (table.text(entry, guid_size) != guid_file_parameters) continue;
    const std::uint64_t item = at + table.little<std::uint32_t>(entry + guid_size);
    WEFT_TRY(const auto parameters, HeaderBytes::read(file, item, 8));
    if ((parameters.little<std::uint32_t>(4) & vhdx_has_parent) != 0) {
      return bad_header(std::string(merge_first));
    }
    return FileReferences{};
  }
  return bad_header("its metadata table is damaged");
}

Result<FileReferences> read_vdi(File& file) {
  WEFT_TRY(const auto bytes, HeaderBytes::read(file, 0, footer_size));
  if (bytes.little<std::uint32_t>(64) != 0xbeda107f) return bad_header("it is not a VDI image");
  const auto type = bytes.little<std::uint32_t>(76);
  if (type == vdi_differencing) return bad_header(std::string(merge_first));
  if (type != vdi_dynamic && type != vdi_static) return bad_header("its type of VDI is not known");
  return FileReferences{};
}

}  // namespace weft::formats
