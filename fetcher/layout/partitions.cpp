// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/partitions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace weft::fetcher::layout {
namespace {

constexpr std::uint64_t sector = 512;
constexpr std::uint64_t mebibyte = 1U << 20;
constexpr std::uint8_t protective = 0xee;
constexpr std::uint8_t extended[] = {0x05, 0x0f, 0x85};

using Guid = std::array<std::uint8_t, 16>;
// 21686148-6449-6E6F-744E-656564454649 and C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as on the disk.
constexpr Guid bios_boot{0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e,
                         0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49};
constexpr Guid efi_system{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                          0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

bool is(const Fields& entry, const Guid& guid) {
  for (std::size_t i = 0; i < guid.size(); ++i) {
    if (entry.u8(i) != guid[i]) return false;
  }
  return true;
}

/// Nullopt: not on the disk.
std::optional<Partition> placed(const DiskView& disk, std::uint64_t first, std::uint64_t sectors,
                                Partition::Kind kind = Partition::Kind::data) {
  const std::uint64_t offset = times(first, sector);
  if (first == 0 || sectors == 0 || offset >= disk.size()) return std::nullopt;
  return Partition{offset, std::min(times(sectors, sector), disk.size() - offset), kind};
}

std::vector<Partition> by_gpt(DiskView& disk) {
  const auto bytes = disk.read(sector, sector);
  if (!bytes) return {};
  const Fields header(*bytes);
  constexpr std::uint64_t signature = 0x5452415020494645;  // "EFI PART"
  if (header.u64(0) != signature) return {};
  const std::uint64_t table = times(header.u64(72), sector);
  const std::uint64_t entries = std::min<std::uint64_t>(header.u32(80), 128);
  const std::uint64_t size = header.u32(84);
  if (size < 128 || size > 4096) return {};
  disk.found(Need::start, table, times(entries, size));
  std::vector<Partition> all;
  for (std::uint64_t i = 0; i < entries && all.size() < disk.limits().partitions; ++i) {
    const auto raw = disk.read(plus(table, times(i, size)), 128);
    if (!raw) continue;
    const Fields entry(*raw);
    if (is(entry, Guid{})) continue;
    const std::uint64_t first = entry.u64(32);
    const std::uint64_t last = entry.u64(40);
    if (last < first) continue;
    const auto kind = is(entry, bios_boot)    ? Partition::Kind::bios_boot
                      : is(entry, efi_system) ? Partition::Kind::efi_system
                                              : Partition::Kind::data;
    if (const auto partition = placed(disk, first, plus(last - first, 1), kind))
      all.push_back(*partition);
  }
  return all;
}

}  // namespace

std::vector<Partition> partitions(DiskView& disk) {
  disk.found(Need::start, 0, 2 * sector);
  const auto bytes = disk.read(0, sector);
  if (!bytes) return {};
  const Fields mbr(*bytes);
  std::vector<Partition> all;
  bool gpt = false;
  if (mbr.u16(510) == 0xaa55) {
    for (std::size_t at = 446; at < 510; at += 16) {
      const std::uint8_t type = mbr.u8(at + 4);
      gpt |= type == protective;
      const bool usable = type != 0 && type != protective &&
                          std::ranges::find(extended, type) == std::end(extended);
      const auto partition = placed(disk, mbr.u32(at + 8), mbr.u32(at + 12));
      if (usable && partition) all.push_back(*partition);
    }
  }
  if (gpt) all = by_gpt(disk);
  if (all.empty() && !gpt) return {{0, disk.size(), Partition::Kind::data}};
  // A boot loader may be in the gap.
  std::uint64_t first = mebibyte;
  for (const Partition& partition : all)
    first = std::min(first, partition.offset);
  disk.found(Need::start, 0, first);
  return all;
}

}  // namespace weft::fetcher::layout
