// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/disk_format.h"

#include <cstring>

namespace weft {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view format;  // as `qemu-img` names it
};

constexpr Magic head_magics[] = {
    {0, "QFI\xfb"sv, "qcow2"},
    {0, "QED\0"sv, "qed"},
    {0, "KDMV"sv, "vmdk"},
    {0, "COWD"sv, "vmdk"},
    {0, "# Disk DescriptorFile"sv, "vmdk"},
    {0, "vhdxfile"sv, "vhdx"},
    {0, "conectix"sv, "vpc"},
    {0, "WithoutFreeSpace"sv, "parallels"},
    {0, "WithouFreSpacExt"sv, "parallels"},
    {0, "Bochs Virtual HD Image"sv, "bochs"},
    {64, "\x7f\x10\xda\xbe"sv, "vdi"},
};

// A fixed VHD is a raw disk with a footer that the guest must not see.
constexpr Magic tail_magics[] = {{0, "conectix"sv, "vpc"}};

struct Compression {
  std::string_view suffix;
  std::string_view magic;
  std::string_view program;
};

constexpr Compression compressions[] = {
    {".gz", "\x1f\x8b"sv, "gzip"},
    {".xz",
     "\xfd"
     "7zXZ\0"sv,
     "xz"},
    {".zst", "\x28\xb5\x2f\xfd"sv, "zstd"},
    {".bz2", "BZh"sv, "bzip2"},
};

bool has(std::span<const std::byte> bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

}  // namespace

std::string_view container_format(std::span<const std::byte> head,
                                  std::span<const std::byte> tail) {
  for (const Magic& magic : head_magics) {
    if (has(head, magic.offset, magic.bytes)) return magic.format;
  }
  for (const Magic& magic : tail_magics) {
    if (has(tail, magic.offset, magic.bytes)) return magic.format;
  }
  return {};
}

std::string_view compressed_with(std::string_view file_name, std::span<const std::byte> head) {
  for (const Compression& c : compressions) {
    if (file_name.ends_with(c.suffix) && has(head, 0, c.magic)) return c.program;
  }
  return {};
}

}  // namespace weft
