// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/header_bytes.h"
#include "indexer/import/formats/parsers.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace weft {
namespace {

constexpr std::size_t sparse_header_size = 512;
// Where and how far QEMU looks for the descriptor in a sparse file.
constexpr std::uint64_t embedded_at = 0x200;
constexpr std::size_t embedded_size = 20 * 512;
constexpr std::size_t max_text = (1 << 20) - 1;
constexpr std::array create_types{"monolithicFlat", "twoGbMaxExtentFlat", "twoGbMaxExtentSparse",
                                  "vmfs",           "vmfsSparse",         "seSparse"};

// A sparse file without capacity is a descriptor in disguise: its extents would be opened by name.
Result<void> check_sparse(const HeaderBytes& header) {
  if (header.little<std::uint64_t>(12) == 0) {
    return bad_header("its header gives no capacity: convert it with `qemu-img convert`");
  }
  const auto descriptor = header.little<std::uint64_t>(28);
  if (descriptor > 1) return bad_header("its descriptor is not where it should be");
  return {};
}

Result<FileReferences> read_sparse(File& file) {
  WEFT_TRY(const auto header, HeaderBytes::read(file, 0, sparse_header_size));
  WEFT_CHECK(check_sparse(header));
  WEFT_TRY(const auto text, HeaderBytes::read_up_to(file, embedded_at, embedded_size));
  const std::string_view all = text.text(0, text.size());
  FileReferences found;
  // One extent of a split disk has no text here. Whatever it has, QEMU looks for this word.
  const std::string_view word = all.substr(0, all.find('\0'));
  if (word.find("parentFileNameHint") == std::string_view::npos &&
      word.find("parentCID=") == std::string_view::npos) {
    return found;
  }
  WEFT_TRY(auto parsed, formats::parse_vmdk_text(all));
  found.backing = std::move(parsed.parent);
  return found;
}

Result<FileReferences> read_descriptor(File& file) {
  WEFT_TRY(const auto bytes, HeaderBytes::read_up_to(file, 0, max_text));
  WEFT_TRY(auto parsed, formats::parse_vmdk_text(bytes.text(0, bytes.size())));
  VmdkDescriptor& descriptor = parsed.descriptor;
  if (std::ranges::find(create_types, descriptor.create_type) == create_types.end()) {
    return bad_header("QEMU cannot read a VMDK of the type \"" + descriptor.create_type + "\"");
  }
  if (descriptor.extents.empty()) return bad_header("its descriptor names no extents");
  return FileReferences{.backing = std::move(parsed.parent),
                        .backing_format = {},
                        .data_file = {},
                        .descriptor = std::move(descriptor)};
}

}  // namespace

Result<FileReferences> formats::read_vmdk(File& file) {
  WEFT_TRY(const auto start, HeaderBytes::read(file, 0, 4));
  const std::string_view magic = start.text(0, 4);
  if (magic == "KDMV") return read_sparse(file);
  if (magic == "COWD") {
    return bad_header("it is one part of a disk: give the descriptor file (the one of text)");
  }
  return read_descriptor(file);
}

Result<void> check_vmdk_extent(const std::string& type, File& file) {
  if (type != "SPARSE" && type != "VMFSSPARSE") return {};
  WEFT_TRY(const auto header, HeaderBytes::read(file, 0, sparse_header_size));
  if (header.text(0, 4) == "COWD") return {};
  if (header.text(0, 4) != "KDMV") return bad_header("it is not a sparse VMDK extent");
  return check_sparse(header);
}

}  // namespace weft
