// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Every entry of an accepted table can be asked for; a mount found at a point is mounted there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = weft::fs::MountTable::parse(text);
  if (!table || table->entries().size() > 64) return 0;
  for (const weft::fs::MountEntry& entry : table->entries()) {
    const auto* at = table->at(entry.point);
    if (at != nullptr && at->point != entry.point) std::abort();
    if (table->of_device(entry.device).empty()) std::abort();
  }
  return 0;
}
