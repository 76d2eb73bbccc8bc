// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/ext4_volume.h"

#include <algorithm>
#include <bit>
#include <span>

namespace weft::fetcher::layout {
namespace {

constexpr std::uint16_t magic = 0xef53;
constexpr std::uint16_t extent_magic = 0xf30a;
constexpr std::uint32_t incompat_meta_bg = 0x10;
constexpr std::uint32_t incompat_64bit = 0x80;
constexpr std::uint32_t extents_flag = 0x80000;
constexpr std::uint32_t inline_flag = 0x10000000;
constexpr std::size_t map_bytes = 60;
constexpr std::size_t most_runs = 4096;
constexpr std::size_t most_directory_blocks = 64;
constexpr std::uint16_t longest_written = 32768;  // longer extents are allocated, not written

}  // namespace

std::optional<Ext4Volume> Ext4Volume::from(const Partition& partition, const Fields& super) {
  if (super.u16(0x38) != magic || super.u32(0x18) > 6) return std::nullopt;
  Ext4Volume volume;
  volume.offset_ = partition.offset;
  volume.length_ = partition.length;
  volume.block_ = std::uint64_t{1024} << super.u32(0x18);
  volume.first_block_ = super.u32(0x14);
  const std::uint32_t incompat = super.u32(0x60);
  const std::uint64_t per_group = super.u32(0x20);
  volume.inodes_per_group_ = super.u32(0x28);
  volume.inode_ = super.u32(0x4c) == 0 ? 128 : super.u16(0x58);
  volume.journal_ = super.u32(0xe0);
  if ((incompat & incompat_64bit) != 0) volume.descriptor_ = super.u16(0xfe);
  const std::uint64_t blocks =
      super.u32(0x4) +
      ((incompat & incompat_64bit) != 0 ? std::uint64_t{super.u32(0x150)} << 32U : 0);
  const bool sensible =
      per_group >= 8 && per_group <= 8 * volume.block_ && volume.inodes_per_group_ >= 1 &&
      volume.inodes_per_group_ <= 8 * volume.block_ && volume.inode_ >= 128 &&
      volume.inode_ <= volume.block_ && std::has_single_bit(volume.inode_) &&
      volume.descriptor_ >= 32 && volume.descriptor_ <= volume.block_ && volume.first_block_ <= 1 &&
      blocks > volume.first_block_ && (incompat & incompat_meta_bg) == 0;
  if (!sensible) return std::nullopt;
  volume.groups_ = (blocks - volume.first_block_ + per_group - 1) / per_group;
  return volume;
}

std::optional<std::uint64_t> Ext4Volume::place(std::uint64_t block) const {
  const std::uint64_t at = times(block, block_);
  if (block == 0 || at >= length_ || block_ > length_ - at) return std::nullopt;
  return offset_ + at;
}

void Ext4Volume::found_blocks(DiskView& disk, Need need, Run run) const {
  const auto at = place(run.block);
  if (!at) return;
  disk.found(need, *at, std::min(times(run.count, block_), offset_ + length_ - *at));
}

void Ext4Volume::found_descriptors(DiskView& disk) const {
  found_blocks(disk, Need::start,
               {first_block_ + 1, (times(groups_, descriptor_) + block_ - 1) / block_});
}

std::optional<Ext4Volume::Group> Ext4Volume::group(DiskView& disk, std::uint64_t number) const {
  if (number >= groups_) return std::nullopt;
  const auto table = place(first_block_ + 1);
  if (!table) return std::nullopt;
  const auto bytes = disk.read(plus(*table, times(number, descriptor_)), descriptor_);
  if (!bytes) return std::nullopt;
  const Fields raw(*bytes);
  const bool wide = descriptor_ >= 64;
  const auto both = [&](std::size_t low, std::size_t high) {
    return raw.u32(low) | (wide ? std::uint64_t{raw.u32(high)} << 32U : 0);
  };
  Group group;
  group.block_bitmap = both(0x0, 0x20);
  group.inode_bitmap = both(0x4, 0x24);
  group.inode_table = both(0x8, 0x28);
  const std::uint16_t flags = raw.u16(0x12);
  group.has_inodes = (flags & 1U) == 0;
  group.has_blocks = (flags & 2U) == 0;
  const std::uint64_t unused =
      raw.u16(0x1c) | (wide ? static_cast<std::uint64_t>(raw.u16(0x32)) << 16U : 0);
  group.used_inodes = inodes_per_group_ - std::min(unused, inodes_per_group_);
  return group;
}

std::optional<Ext4Volume::Inode> Ext4Volume::inode(DiskView& disk, InodeNumber number) const {
  if (number == 0) return std::nullopt;
  const auto in = group(disk, (number - 1) / inodes_per_group_);
  if (!in) return std::nullopt;
  const auto table = place(in->inode_table);
  if (!table) return std::nullopt;
  const std::uint64_t at = plus(*table, times((number - 1) % inodes_per_group_, inode_));
  if (at >= offset_ + length_) return std::nullopt;
  disk.found(Need::init, at, inode_);
  const auto bytes = disk.read(at, 128);
  if (!bytes) return std::nullopt;
  const Fields raw(*bytes);
  Inode inode;
  const unsigned kind = raw.u16(0) >> 12U;
  inode.kind = kind == 4    ? Inode::Kind::directory
               : kind == 8  ? Inode::Kind::file
               : kind == 10 ? Inode::Kind::link
                            : Inode::Kind::other;
  inode.size = raw.u32(0x4) | (kind == 8 ? std::uint64_t{raw.u32(0x6c)} << 32U : 0);
  inode.flags = raw.u32(0x20);
  const auto map = raw.part(0x28, map_bytes);
  inode.map.assign(map.begin(), map.end());
  return inode;
}

std::vector<Ext4Volume::Run> Ext4Volume::runs(DiskView& disk, const Inode& inode) const {
  std::vector<Run> runs;
  if ((inode.flags & inline_flag) != 0 || inode.map.size() != map_bytes) return runs;
  const Fields map(inode.map);
  if ((inode.flags & extents_flag) != 0) {
    add_extents(disk, map, disk.limits().depth, runs);
    return runs;
  }
  for (std::size_t i = 0; i < 12; ++i) {
    if (map.u32(4 * i) != 0) runs.push_back({map.u32(4 * i), 1});
  }
  return runs;
}

void Ext4Volume::add_extents(DiskView& disk, const Fields& node, unsigned depth,
                             std::vector<Run>& runs) const {
  if (depth == 0 || node.u16(0) != extent_magic) return;
  const std::size_t room = node.size() / 12 - 1;
  const std::size_t entries = std::min<std::size_t>(node.u16(2), room);
  const bool leaf = node.u16(6) == 0;
  for (std::size_t i = 0; i < entries && runs.size() < most_runs; ++i) {
    const std::size_t at = 12 * (i + 1);
    if (leaf) {
      const std::uint16_t length = node.u16(at + 4);
      const std::uint64_t start = std::uint64_t{node.u16(at + 6)} << 32U | node.u32(at + 8);
      if (length > 0 && length <= longest_written) runs.push_back({start, length});
      continue;
    }
    const Run below{std::uint64_t{node.u16(at + 8)} << 32U | node.u32(at + 4), 1};
    const auto where = place(below.block);
    if (!where) continue;
    found_blocks(disk, Need::init, below);
    if (const auto bytes = disk.read(*where, block_))
      add_extents(disk, Fields(*bytes), depth - 1, runs);
  }
}

std::vector<Ext4Volume::Name> Ext4Volume::list(DiskView& disk, const Inode& directory) const {
  std::vector<Name> names;
  if (directory.kind != Inode::Kind::directory) return names;
  std::size_t blocks = 0;
  for (const Run& run : runs(disk, directory)) {
    for (std::uint64_t i = 0; i < run.count && blocks < most_directory_blocks; ++i, ++blocks) {
      const auto where = place(plus(run.block, i));
      if (!where) break;
      disk.found(Need::init, *where, block_);
      const auto bytes = disk.read(*where, block_);
      if (!bytes) continue;
      const Fields raw(*bytes);
      for (std::size_t at = 0; at + 8 <= block_;) {
        const std::size_t length = raw.u16(at + 4);
        const std::size_t name = raw.u8(at + 6);
        if (length < 8 || length > block_ - at || name + 8 > length) break;
        if (raw.u32(at) != 0) {
          Name& entry = names.emplace_back();
          entry.inode = raw.u32(at);
          for (const std::byte c : raw.part(at + 8, name))
            entry.name.push_back(static_cast<char>(c));
        }
        at += length;
      }
    }
  }
  return names;
}

std::optional<std::string> Ext4Volume::target(DiskView& disk, const Inode& link) const {
  if (link.kind != Inode::Kind::link || link.size == 0 || link.size >= 4096) return std::nullopt;
  std::vector<std::byte> text;
  if (link.size < map_bytes && (link.flags & extents_flag) == 0) {
    text.assign(link.map.begin(), link.map.begin() + static_cast<std::ptrdiff_t>(link.size));
  } else {
    const std::vector<Run> content = runs(disk, link);
    const auto where = content.empty() ? std::nullopt : place(content.front().block);
    if (!where) return std::nullopt;
    disk.found(Need::init, *where, block_);
    auto bytes = disk.read(*where, std::min(link.size, block_));
    if (!bytes) return std::nullopt;
    text = *std::move(bytes);
  }
  std::string path;
  for (const std::byte c : text)
    path.push_back(static_cast<char>(c));
  return path;
}

}  // namespace weft::fetcher::layout
