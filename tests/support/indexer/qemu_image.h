// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/import/open_source.h"
#include "tests/support/indexer/temp_directory.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

/// Disk images as QEMU's own tools make and read them.
namespace weft::test {

/// Runs `qemu-img` with these arguments; throws std::runtime_error with its output if it fails.
void qemu_img(std::vector<std::string> arguments);
/// Writes through `qemu-io`: `commands` as its -c takes them.
void qemu_io(const std::filesystem::path& image, const std::vector<std::string>& commands);
/// What `qemu-img convert -O raw` makes of it; empty if it refuses. `source`: what it is told to
/// read, a path or options.
[[nodiscard]] std::vector<std::byte> as_qemu_reads(const std::filesystem::path& image,
                                                   const std::string& format = {});

/// Everything that a source has, holes as zeros, read in pieces of odd sizes.
[[nodiscard]] Result<std::vector<std::byte>> content_of(BlockSource& source);
/// Opens, reads all, asks whether anything changed.
[[nodiscard]] Result<std::vector<std::byte>> as_weft_reads(const std::filesystem::path& image,
                                                           const SourceOptions& options = {});

/// A raw file of `size` bytes in `directory`: data with holes between, ending in data.
std::filesystem::path make_raw(const std::filesystem::path& directory, ByteCount size,
                               std::uint64_t seed = 1);

}  // namespace weft::test
