// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/disk_format.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace weft {
namespace {

using namespace std::string_view_literals;

struct Name {
  std::string_view text;
  DiskFormat format;
};

// The first name of a format is QEMU's.
constexpr Name names[] = {
    {"raw", DiskFormat::raw},
    {"qcow2", DiskFormat::qcow2},
    {"qcow", DiskFormat::qcow},
    {"qed", DiskFormat::qed},
    {"vmdk", DiskFormat::vmdk},
    {"vpc", DiskFormat::vpc},
    {"vhdx", DiskFormat::vhdx},
    {"vdi", DiskFormat::vdi},
    {"parallels", DiskFormat::parallels},
    {"bochs", DiskFormat::bochs},
    {"cloop", DiskFormat::cloop},
    {"dmg", DiskFormat::dmg},
    {"vhd", DiskFormat::vpc},
    {"iso", DiskFormat::raw},
};

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  DiskFormat format;
};

constexpr Magic head_magics[] = {
    {0, "QFI\xfb\0\0\0\1"sv, DiskFormat::qcow},
    {0, "QFI\xfb"sv, DiskFormat::qcow2},
    {0, "QED\0"sv, DiskFormat::qed},
    {0, "KDMV"sv, DiskFormat::vmdk},
    {0, "COWD"sv, DiskFormat::vmdk},
    {0, "# Disk DescriptorFile"sv, DiskFormat::vmdk},
    {0, "vhdxfile"sv, DiskFormat::vhdx},
    {0, "conectix"sv, DiskFormat::vpc},
    {0, "WithoutFreeSpace"sv, DiskFormat::parallels},
    {0, "WithouFreSpacExt"sv, DiskFormat::parallels},
    {0, "Bochs Virtual HD Image"sv, DiskFormat::bochs},
    {0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"sv, DiskFormat::cloop},
    {64, "\x7f\x10\xda\xbe"sv, DiskFormat::vdi},
};

constexpr Magic tail_magics[] = {
    // A fixed VHD is a raw disk with a footer that the guest must not see.
    {0, "conectix"sv, DiskFormat::vpc},
    {0, "koly\0\0\0\4\0\0\2\0"sv, DiskFormat::dmg},
};

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

std::string_view to_string(DiskFormat format) noexcept {
  const auto* const name = std::ranges::find(names, format, &Name::format);
  return name->text;
}

std::optional<DiskFormat> disk_format_named(std::string_view text) {
  const auto* const name = std::ranges::find(names, text, &Name::text);
  if (name == std::end(names)) return std::nullopt;
  return name->format;
}

DiskFormat container_format(std::span<const std::byte> head, std::span<const std::byte> tail) {
  for (const Magic& magic : head_magics) {
    if (has(head, magic.offset, magic.bytes)) return magic.format;
  }
  for (const Magic& magic : tail_magics) {
    if (has(tail, magic.offset, magic.bytes)) return magic.format;
  }
  return DiskFormat::raw;
}

std::string_view compressed_with(std::string_view file_name, std::span<const std::byte> head) {
  for (const Compression& c : compressions) {
    if (file_name.ends_with(c.suffix) && has(head, 0, c.magic)) return c.program;
  }
  return {};
}

Result<Probed> probe(File& file, ByteCount size, std::string_view file_name) {
  std::array<std::byte, format_head_size> head;
  std::array<std::byte, format_tail_size> tail;
  WEFT_TRY(const std::size_t head_size, file.read_at(ByteOffset(0), head));
  const ByteOffset tail_at(size.value() - std::min<std::uint64_t>(size.value(), tail.size()));
  WEFT_TRY(const std::size_t tail_size, file.read_at(tail_at, tail));
  const auto head_bytes = std::span(head).first(head_size);
  return Probed{container_format(head_bytes, std::span(tail).first(tail_size)),
                weft::compressed_with(file_name, head_bytes)};
}

}  // namespace weft
