// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/import/formats/file_references.h"
#include "indexer/import/nbd/block_graph.h"
#include "tests/support/indexer/memory_file.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace weft;

namespace {

void check_name(const std::string& name) {
  WEFT_ASSERT(!name.empty() && name.size() <= 1 << 20, "a name has a sensible length");
  WEFT_ASSERT(std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
              "and nothing in it that a terminal would obey");
}

void check(const FileReferences& found) {
  for (const auto& name : {found.backing, found.backing_format, found.data_file}) {
    if (name) check_name(*name);
  }
  if (!found.descriptor) return;
  const std::vector<VmdkExtent>& extents = found.descriptor->extents;
  WEFT_ASSERT(!extents.empty() && extents.size() <= 512, "extents are bounded");
  std::vector<std::string> files(extents.size(), "/proc/self/fd/9");
  for (const VmdkExtent& extent : extents)
    check_name(extent.file);
  const std::string text = vmdk_text(*found.descriptor, files);
  test::MemoryFile again(std::as_bytes(std::span(text)));
  const auto reread = read_references(DiskFormat::vmdk, again);
  WEFT_ASSERT(!reread || reread->descriptor->extents.size() == extents.size(),
              "the descriptor written for QEMU has the same extents");
}

}  // namespace

// Any bytes as the header of any format, VHDX with its tables where they belong: what is found is
// bounded and fit to be shown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  test::MemoryFile file(bytes);
  static_cast<void>(probe(file, ByteCount(size), "disk.xz"));
  for (int format = 0; format <= static_cast<int>(DiskFormat::dmg); ++format) {
    const auto found = read_references(static_cast<DiskFormat>(format), file);
    if (found) check(*found);
  }
  std::vector<std::byte> tables((1 << 20) + (64 << 10) + size);
  std::ranges::copy(std::as_bytes(std::span("vhdxfile", 8)), tables.begin());
  std::ranges::copy(bytes.first(size / 2), tables.begin() + (192 << 10));
  std::ranges::copy(bytes.subspan(size / 2), tables.begin() + (1 << 20));
  test::MemoryFile vhdx(tables);
  static_cast<void>(read_references(DiskFormat::vhdx, vhdx));
  return 0;
}
