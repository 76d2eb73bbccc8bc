// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <utility>

namespace weft {

/// The files of one disk, in a directory of their own (STORE_FORMAT.md, "Disks").
struct DiskPaths {
  explicit DiskPaths(std::filesystem::path where)
      : directory(std::move(where)),
        pack(directory / "pack"),
        map(directory / "map"),
        live(directory / "live") {}

  std::filesystem::path directory;
  std::filesystem::path pack, map, live;
};

}  // namespace weft
