// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "indexer/import/image_chain.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

/// What `qemu-nbd` is told to open: a tree of block devices with driver and file stated for each,
/// down to `"backing": null`, so that nothing in the files' headers decides what is opened. Files
/// are given as descriptors that are open already (/proc/self/fd/N): a name that leads elsewhere
/// meanwhile does not matter.
///
/// A VMDK descriptor is the one thing QEMU insists on following by itself. It gets one that weft
/// wrote, in memory, whose extents are descriptors again.
class BlockGraph {
 public:
  /// Refers to the files of `chain`, which must stay open until the program has been started.
  [[nodiscard]] static Result<BlockGraph> of(const ImageChain& chain);

  /// The argument for QEMU: "json:{…}".
  [[nodiscard]] const std::string& argument() const { return argument_; }
  /// What the program must inherit under the same numbers; all above 3.
  [[nodiscard]] std::span<const int> descriptors() const { return descriptors_; }
  /// A message of the program with the files' names in it instead of what it knows them by.
  [[nodiscard]] std::string with_names(std::string text) const;

 private:
  BlockGraph() = default;

  Result<std::string> add(const SourceFile& file);
  Result<std::string> add_descriptor_file(const ImageLayer& layer);
  Result<std::string> layer(const ImageLayer& layer, std::string_view below);

  std::string argument_;
  std::vector<int> descriptors_;
  std::vector<UniqueFd> own_;                               // duplicates and files in memory
  std::vector<std::pair<std::string, std::string>> names_;  // "/proc/self/fd/7" → path
};

/// The text of a VMDK descriptor with `files` for its extents. Pure.
[[nodiscard]] std::string vmdk_text(const VmdkDescriptor& descriptor,
                                    std::span<const std::string> files);

}  // namespace weft
