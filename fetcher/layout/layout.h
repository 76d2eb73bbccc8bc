// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/core/units.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// What a guest reads first of a disk it boots from, as the disk itself tells: by its partition
/// table and its file systems. Pure.
///
/// Everything read comes from the image and may be anything: what is out of bounds, contradictory
/// or too much is left out, never followed. All work is bounded by `LayoutLimits`.
namespace weft::fetcher::layout {

/// Bytes of an image, as far as they are here.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// False: not all of it is here (yet); the source may note that it is needed. `out` lies within
  /// the image.
  [[nodiscard]] virtual bool read(std::uint64_t offset, std::span<std::byte> out) = 0;
};

struct LayoutLimits {
  BlockCount blocks{32768};  ///< found altogether: 128 MiB
  std::size_t reads = 4096;  ///< of the source, for one exploration
  unsigned depth = 8;        ///< of extent trees, symbolic links and directories
  std::size_t partitions = 16;
};

/// How soon.
enum class Need : std::uint8_t {
  start,   ///< partition table, boot loader, what says where everything is
  kernel,  ///< kernel, initial ramdisk, the boot loader's own files
  init,    ///< the first programs and what they read
  soon     ///< metadata that the first minutes touch
};
inline constexpr std::size_t needs = 4;

/// What is found by now; what depends on bytes that are not here yet is not in it. Runs, in the
/// order they were found, each block once.
struct Findings {
  std::array<std::vector<BlockRange>, needs> blocks;
  BlockCount total;
};

/// Explores a disk of `size` bytes. Asks the source for everything it can go on with, so that one
/// exploration after the other, each with what the one before asked for, sees it all: the same
/// bytes give the same findings.
[[nodiscard]] Findings explore(ByteSource& source, std::uint64_t size,
                               const LayoutLimits& limits = {});

}  // namespace weft::fetcher::layout
