// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace weft {

/// Bytes of a file's start that `container_format` looks at, and of its end.
inline constexpr std::size_t format_head_size = 4096;
inline constexpr std::size_t format_tail_size = 512;

/// Name of the disk image format that wraps a disk's content ("qcow2", "vmdk", "vhdx", "vdi", …),
/// by the magic numbers in the file's first and last bytes; empty for what can be a raw image.
/// Pure; any lengths will do.
[[nodiscard]] std::string_view container_format(std::span<const std::byte> head,
                                                std::span<const std::byte> tail);

/// Name of the program that unpacks the file ("xz"), if both its name and its first bytes say that
/// it is compressed; else empty. Bytes alone do not tell: a raw disk may begin with anything.
[[nodiscard]] std::string_view compressed_with(std::string_view file_name,
                                               std::span<const std::byte> head);

}  // namespace weft
