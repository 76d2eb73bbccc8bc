// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/boot/ways.h"
#include "tests/support/tools/read_trace.h"
#include "tests/support/tools/weft_node.h"

#include <cstdint>
#include <filesystem>
#include <string>

/// Boots, of a real guest or of what one read.
namespace weft::bench {

struct Boot {
  double seconds = 0;  ///< from `open` to the guest's being ready
  std::uint64_t received = 0;
};

/// A QEMU guest (emulated), O_DIRECT. Throws std::runtime_error if it does not come up, or its
/// kernel reports errors of the disk.
[[nodiscard]] Boot boot_guest(Way& way);

/// The reads of a guest, with `scale` × its thinking.
[[nodiscard]] Boot boot_replayed(Way& way, const testing::ReadTrace& trace, double scale);

/// What a guest that boots from `disk` reads, seen by a file system that does nothing else.
[[nodiscard]] testing::ReadTrace record_reads(const std::filesystem::path& disk,
                                              const std::filesystem::path& scratch);

/// Boots a guest from a mount of `name` on `node`, which has the whole image, and unmounts it, so
/// that the node has a profile of that boot.
void record_profile(const testing::WeftNode& node, const std::string& name,
                    const std::filesystem::path& scratch);

}  // namespace weft::bench
