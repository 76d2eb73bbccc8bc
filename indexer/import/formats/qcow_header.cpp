// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/header_bytes.h"
#include "indexer/import/formats/parsers.h"

namespace weft::formats {
namespace {

constexpr std::size_t qcow_header_size = 48;
constexpr std::size_t qed_header_size = 64;

constexpr std::uint64_t qed_backing = 1U << 0;
constexpr std::uint64_t qed_backing_is_raw = 1U << 2;
constexpr std::uint64_t qed_known = 7;

}  // namespace

Result<FileReferences> read_qcow(File& file) {
  WEFT_TRY(const auto bytes, HeaderBytes::read(file, 0, qcow_header_size));
  if (bytes.text(0, 8) != std::string_view("QFI\xfb\0\0\0\1", 8)) {
    return bad_header("it is not a qcow image of version 1");
  }
  if (bytes.big<std::uint32_t>(36) != 0) {
    return bad_header(
        "it is encrypted (AES): decrypt it first, with `qemu-img convert` and its secret");
  }
  FileReferences found;
  const auto offset = bytes.big<std::uint64_t>(8);
  const auto length = bytes.big<std::uint32_t>(16);
  if (offset == 0) return found;
  WEFT_TRY(found.backing, read_name(file, "backing file", offset, length));
  return found;
}

Result<FileReferences> read_qed(File& file) {
  WEFT_TRY(const auto bytes, HeaderBytes::read(file, 0, qed_header_size));
  if (bytes.text(0, 4) != std::string_view("QED\0", 4)) {
    return bad_header("it is not a qed image");
  }
  const auto features = bytes.little<std::uint64_t>(16);
  if ((features & ~qed_known) != 0) return bad_header("it uses qed features that are not known");
  FileReferences found;
  if ((features & qed_backing) == 0) return found;
  const auto offset = bytes.little<std::uint32_t>(56);
  const auto length = bytes.little<std::uint32_t>(60);
  WEFT_TRY(found.backing, read_name(file, "backing file", offset, length));
  if ((features & qed_backing_is_raw) != 0) found.backing_format = "raw";
  return found;
}

}  // namespace weft::formats
