// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// Which format a disk image is in, by its bytes. What is read here decides which of QEMU's drivers
/// opens a file: QEMU itself never probes.
namespace weft {

/// What QEMU has a driver for. `raw` includes ISO images: their bytes are the disk.
enum class DiskFormat : std::uint8_t {
  raw,
  qcow2,  ///< versions 2 and 3
  qcow,   ///< version 1
  qed,
  vmdk,
  vpc,  ///< VHD
  vhdx,
  vdi,
  parallels,
  bochs,
  cloop,
  dmg
};

/// QEMU's name of it: "vpc" for VHD.
[[nodiscard]] std::string_view to_string(DiskFormat format) noexcept;
/// The inverse; also "vhd" for vpc and "iso" for raw. nullopt: no such format.
[[nodiscard]] std::optional<DiskFormat> disk_format_named(std::string_view name);

/// Bytes of a file's start that `container_format` looks at, and of its end.
inline constexpr std::size_t format_head_size = 4096;
inline constexpr std::size_t format_tail_size = 512;

/// By the magic numbers in the file's first and last bytes; `raw` for what has none: a raw disk
/// may begin with anything. Pure; any lengths will do.
[[nodiscard]] DiskFormat container_format(std::span<const std::byte> head,
                                          std::span<const std::byte> tail);

/// Name of the program that unpacks the file ("xz"), if both its name and its first bytes say that
/// it is compressed; else empty. Bytes alone do not tell: a raw disk may begin with anything.
[[nodiscard]] std::string_view compressed_with(std::string_view file_name,
                                               std::span<const std::byte> head);

struct Probed {
  DiskFormat format;
  std::string_view compressed_with;  ///< empty: not compressed
};
/// Both of the above for a file of `size` bytes. Errors are the file's.
[[nodiscard]] Result<Probed> probe(File& file, ByteCount size, std::string_view file_name);

}  // namespace weft
