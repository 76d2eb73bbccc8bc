// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/import/formats/disk_format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What an image file says about itself and about other files, read from its header alone.
///
/// Problem: in most formats a header may name other files, and whoever opens the image reads them.
/// An image from a stranger may so name any file of the host. weft therefore reads the names
/// itself, decides which may be opened (`ImageChain`), opens those, and hands QEMU descriptors
/// instead of names.
///
/// Everything here looks at bytes only; nothing is opened. Lengths and offsets are checked against
/// the bounds of each format before anything is read or memory taken for it; at most 1 MiB.
namespace weft {

/// One run of a VMDK's content, from its descriptor.
struct VmdkExtent {
  std::uint64_t sectors = 0;  ///< 512 bytes each
  std::string type;           ///< FLAT, SPARSE, VMFS, VMFSSPARSE or SESPARSE
  std::string file;           ///< as the descriptor names it
  std::uint64_t offset = 0;   ///< FLAT: in the file, in sectors
};

/// A VMDK that is a text file naming its extents.
struct VmdkDescriptor {
  std::string create_type;
  std::uint32_t cid = 0;
  std::uint32_t parent_cid = 0;
  std::vector<VmdkExtent> extents;
};

/// Names as the header has them: unchecked, but without NUL and control characters.
struct FileReferences {
  std::optional<std::string> backing;
  std::optional<std::string> backing_format;  ///< if the header states one
  std::optional<std::string> data_file;       ///< qcow2: where the guest's data are
  std::optional<VmdkDescriptor> descriptor;   ///< VMDK: set if there are extents in other files
};

/// Errc::bad_image with the reason and what to do, without the file's name: not in this format,
/// damaged, encrypted, marked corrupt, a differencing disk of a format without backing files, or
/// newer than what is known. errno from the file.
[[nodiscard]] Result<FileReferences> read_references(DiskFormat format, File& file);

/// A file that a VMDK descriptor names as an extent: Errc::bad_image if `type` is SPARSE and the
/// file would name further files.
[[nodiscard]] Result<void> check_vmdk_extent(const std::string& type, File& file);

}  // namespace weft
