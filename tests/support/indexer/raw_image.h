// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

/// Raw images drawn as strings, one character for each block:
///   `.`  a hole
///   `0`  a block of zeros that is written
///   else a block of data; the same character is the same content in every image
/// "ab..0a" has six blocks, three of them data, two of these equal. Long images: `random_blocks`.
namespace weft::test {

/// Content of the block drawn as `c`.
[[nodiscard]] std::array<std::byte, block_size> block_of(char c);

/// The image's bytes. `size` cuts the last block short; 0 = whole blocks.
[[nodiscard]] std::vector<std::byte> raw_bytes(std::string_view picture,
                                               ByteCount size = ByteCount(0));

/// Writes the image to `path`, holes as holes. Throws std::runtime_error if it cannot.
void write_raw(const std::filesystem::path& path, std::string_view picture,
               ByteCount size = ByteCount(0));

/// Bytes that depend on `seed` alone and do not repeat.
void fill_random(std::span<std::byte> out, std::uint64_t seed);
[[nodiscard]] std::vector<std::byte> random_blocks(BlockCount count, std::uint64_t seed);

/// Whole-file helpers; they throw std::runtime_error.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& path);

}  // namespace weft::test
