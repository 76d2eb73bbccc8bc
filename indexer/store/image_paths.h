// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <utility>

namespace weft {

/// The files of one image, in a directory of their own (STORE_FORMAT.md).
struct ImagePaths {
  explicit ImagePaths(std::filesystem::path where)
      : directory(std::move(where)),
        pack(directory / "pack"),
        tree(directory / "tree"),
        map(directory / "map"),
        sums(directory / "sums"),
        borrow(directory / "borrow"),
        index(directory / "index") {}

  std::filesystem::path directory;
  std::filesystem::path pack, tree, map, sums, borrow, index;
};

}  // namespace weft
