// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/formats/file_references.h"

#include <string_view>

/// One parser for each format that can name other files or needs a look before QEMU opens it.
/// Errors as `read_references`.
namespace weft::formats {

/// Versions 2 and 3: docs/interop/qcow2.txt of QEMU.
[[nodiscard]] Result<FileReferences> read_qcow2(File& file);
/// Version 1.
[[nodiscard]] Result<FileReferences> read_qcow(File& file);
[[nodiscard]] Result<FileReferences> read_qed(File& file);
/// A descriptor file, or a sparse file with its descriptor inside.
[[nodiscard]] Result<FileReferences> read_vmdk(File& file);
/// These three have no names to follow: a differencing disk is refused, for its parent cannot be
/// read with it.
[[nodiscard]] Result<FileReferences> read_vhd(File& file);
[[nodiscard]] Result<FileReferences> read_vhdx(File& file);
[[nodiscard]] Result<FileReferences> read_vdi(File& file);

/// The text of a VMDK descriptor.
struct VmdkText {
  std::optional<std::string> parent;  ///< parentFileNameHint
  VmdkDescriptor descriptor;
};
/// Pure. Errc::bad_image for a line about an extent that is not understood: none is passed over.
[[nodiscard]] Result<VmdkText> parse_vmdk_text(std::string_view text);

}  // namespace weft::formats
