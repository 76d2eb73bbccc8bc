// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/tools/link_ledger.h"
#include "tests/support/tools/relay.h"
#include "tests/support/tools/weft_node.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace weft::bench {

struct NamedFile {
  std::string name;
  std::filesystem::path file;
};

struct MeasuredTransfer {
  std::uint64_t bytes = 0;  ///< TCP payload, both directions, from connecting to the end
  double seconds = 0;
  testing::LinkLedger::Blocks blocks;
  std::map<std::string, testing::LinkLedger::Line> lines;
};

/// Publishes `image` on `node`, where it stays in its file. Throws std::runtime_error.
void publish(const testing::WeftNode& node, const NamedFile& image);

/// Starts a node that has nothing but `local`, lets it materialize `wanted` from `source` over a
/// relay as `link` says, compares what it then shows with `wanted.file` byte by byte while the link
/// is down, and ends it. Throws std::runtime_error if any of this fails.
[[nodiscard]] MeasuredTransfer measure_transfer(const testing::WeftNode& source,
                                                const NamedFile& wanted,
                                                const std::vector<NamedFile>& local,
                                                testing::RelayOptions link,
                                                const std::filesystem::path& scratch);

}  // namespace weft::bench
