// SPDX-License-Identifier: Apache-2.0
#include "tools/api/import_members.h"

#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

Result<ImportMode> mode_of(const Call& call) {
  WEFT_TRY(const auto text, optional_text(call, "mode"));
  if (!text || *text == "auto") return ImportMode::automatic;
  if (*text == "copy") return ImportMode::copy;
  if (*text == "reflink") return ImportMode::reflink;
  if (*text == "in_place") return ImportMode::in_place;
  return fail(Errc::bad_request, Operation::control,
              fmt::format("\"mode\" is auto, copy, reflink or in_place, not \"{}\"", *text));
}

Result<std::optional<DiskFormat>> format_of(const Call& call) {
  WEFT_TRY(const auto text, optional_text(call, "format"));
  if (!text || *text == "auto") return std::nullopt;
  if (const auto format = disk_format_named(*text)) return format;
  return fail(Errc::bad_request, Operation::control,
              fmt::format("\"format\" is auto, raw, qcow2, vmdk, vpc, vhdx, vdi or another that "
                          "QEMU reads, not \"{}\"",
                          *text));
}

Result<std::vector<std::filesystem::path>> allowed_backing(const Call& call) {
  WEFT_TRY(const auto texts, optional_texts(call, "allow_backing"));
  std::vector<std::filesystem::path> directories;
  for (const auto& text : texts) {
    const auto& directory = directories.emplace_back(text);
    if (!directory.is_absolute() || text.contains('\0')) {
      return fail(Errc::bad_request, Operation::import,
                  "\"allow_backing\" must be a list of absolute paths");
    }
  }
  return directories;
}

}  // namespace

Result<ImportMembers> import_members_of(const Call& call) {
  ImportMembers members;
  WEFT_TRY(members.mode, mode_of(call));
  WEFT_TRY(members.format, format_of(call));
  WEFT_TRY(members.allow_backing, allowed_backing(call));
  return members;
}

}  // namespace weft::tools
