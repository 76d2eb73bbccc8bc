// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What QEMU says of its disks, and how it is asked to open one again. Pure.
namespace weft::tools {

/// A node of QEMU's block graph that reads a file.
struct FileNode {
  std::string name;
  std::string file;
  bool read_only = true;
  bool direct = false;    ///< cache.direct: the file is open with O_DIRECT
  bool no_flush = false;  ///< cache.no-flush
};

/// The file nodes among what `query-named-block-nodes` has returned. Errc::helper_failed: it is not
/// such a list.
[[nodiscard]] Result<std::vector<FileNode>> file_nodes_of(const boost::json::value& nodes);

/// Those that read `path`: by the same words, or, where none has them, by what is there. A monitor
/// may name a path that does not answer: none is looked at without need.
[[nodiscard]] std::vector<FileNode> nodes_of_file(const std::vector<FileNode>& nodes,
                                                  const std::filesystem::path& path);

/// Whether QEMU's name for a file means `path`: the same words, or the same file.
[[nodiscard]] bool names_file(std::string_view qemus, const std::filesystem::path& path);

/// Options that QEMU wants to be repeated when a node is opened again, and does not tell. They are
/// found by trying: what it refuses names the option.
class ReopenGuesses {
 public:
  /// Learns from a refusal of `blockdev-reopen`. False: nothing is left to be tried.
  [[nodiscard]] bool learn(std::string_view refusal);
  /// Of `blockdev-reopen`, with the guesses so far.
  [[nodiscard]] boost::json::object options(const FileNode& node, bool direct) const;

 private:
  struct Guess {
    std::string_view option;
    std::size_t value = 0;  ///< place in its list
  };
  std::vector<Guess> guesses_;
};

}  // namespace weft::tools
