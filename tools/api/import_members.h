// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/importer.h"
#include "tools/api/call.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace weft::tools {

/// How a file is imported, or indexed again.
struct ImportMembers {
  ImportMode mode = ImportMode::automatic;
  std::optional<DiskFormat> format;
  std::vector<std::filesystem::path> allow_backing;
};

/// The members "mode", "format" and "allow_backing". Errc::bad_request.
[[nodiscard]] Result<ImportMembers> import_members_of(const Call& call);

}  // namespace weft::tools
