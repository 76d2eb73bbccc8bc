// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <filesystem>
#include <string>

namespace weft::tools {

/// An address of a Unix socket that fits into sockaddr_un (107 bytes) however long the directory's
/// path is: through a descriptor of the directory, which must stay open while `path` is used.
struct UnixAddress {
  UniqueFd directory;
  std::string path;
};
/// errno of open(2) on the directory.
[[nodiscard]] Result<UnixAddress> unix_address(const std::filesystem::path& socket);

}  // namespace weft::tools
