// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <optional>
#include <span>

namespace weft {

/// Content that an image is made of, in image order: a raw file (`RawSource`), or a disk in another
/// format as a private `qemu-nbd` shows it (`NbdSource`). The seam between formats and hashing.
///
/// Its content is constant while it is open, as far as anybody can know: `check_unchanged` tells
/// afterwards. Sizes and extents it returns are checked by the implementation against what it
/// announced, whoever wrote the file.
class BlockSource {
 public:
  virtual ~BlockSource() = default;

  /// 1 … max_image_size.
  [[nodiscard]] virtual ByteCount size() const = 0;
  /// First extent with data at or after `from`; nullopt: only zeros are left. Extents need not be
  /// aligned; what lies between them reads as zeros. For one thread at a time, forwards.
  [[nodiscard]] virtual Result<std::optional<Extent>> next_data(ByteOffset from) = 0;
  /// Fills `out` with the content at `offset`, all of it within the size; any thread, several at
  /// once. Errc::source_changed: the content has become shorter.
  [[nodiscard]] virtual Result<void> read(ByteOffset offset, std::span<std::byte> out) = 0;
  /// Errc::source_changed: one of the files behind it was written to, or another file is in its
  /// place, since it was opened. To be asked after the last read, before anything is made of it.
  [[nodiscard]] virtual Result<void> check_unchanged() = 0;
  /// Makes `file` have this content by sharing extents; it may become longer. Errc::unsupported:
  /// that cannot be done here, and nothing of it was.
  [[nodiscard]] virtual Result<void> clone_into(File& /*file*/) {
    return fail(Errc::unsupported, Operation::write);
  }
  /// Calls that wait for another process end soon, with an error. Any thread.
  virtual void interrupt() noexcept {}
};

}  // namespace weft
