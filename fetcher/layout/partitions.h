// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/disk_view.h"

#include <cstdint>
#include <vector>

namespace weft::fetcher::layout {

struct Partition {
  enum class Kind : std::uint8_t { data, bios_boot, efi_system };
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< within the disk
  Kind kind = Kind::data;
};

/// The partitions of a disk by its GPT, or else by the primary entries of its MBR; without either
/// the whole disk as one. Notes the tables, and what lies before the first partition, as found.
/// Empty: not known yet, or nothing sensible.
[[nodiscard]] std::vector<Partition> partitions(DiskView& disk);

}  // namespace weft::fetcher::layout
