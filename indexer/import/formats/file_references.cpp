// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/file_references.h"

#include "indexer/import/formats/parsers.h"

namespace weft {

Result<FileReferences> read_references(DiskFormat format, File& file) {
  switch (format) {
    case DiskFormat::qcow2:
      return formats::read_qcow2(file);
    case DiskFormat::qcow:
      return formats::read_qcow(file);
    case DiskFormat::qed:
      return formats::read_qed(file);
    case DiskFormat::vmdk:
      return formats::read_vmdk(file);
    case DiskFormat::vpc:
      return formats::read_vhd(file);
    case DiskFormat::vhdx:
      return formats::read_vhdx(file);
    case DiskFormat::vdi:
      return formats::read_vdi(file);
    case DiskFormat::raw:
    case DiskFormat::parallels:
    case DiskFormat::bochs:
    case DiskFormat::cloop:
    case DiskFormat::dmg:
      break;  // name no other files
  }
  return FileReferences{};
}

}  // namespace weft
