// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/disk_view.h"
#include "fetcher/layout/partitions.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher::layout {

/// An ext4 file system as far as it is needed to find files: superblock, group descriptors, inodes,
/// extents, directories. Every number in it is checked against the partition before it is used.
class Ext4Volume {
 public:
  using InodeNumber = std::uint32_t;
  struct Group {
    std::uint64_t block_bitmap = 0;  ///< file system blocks
    std::uint64_t inode_bitmap = 0;
    std::uint64_t inode_table = 0;
    std::uint64_t used_inodes = 0;  ///< the rest of the table was never written
    bool has_inodes = true;
    bool has_blocks = true;
  };
  struct Inode {
    enum class Kind : std::uint8_t { directory, file, link, other };
    Kind kind = Kind::other;
    std::uint64_t size = 0;
    std::uint32_t flags = 0;
    std::vector<std::byte> map;  ///< 60 bytes: extents, block numbers, or a short link's target
  };
  struct Run {
    std::uint64_t block = 0;  ///< of the file system
    std::uint64_t count = 0;
  };
  struct Name {
    InodeNumber inode = 0;
    std::string name;
  };
  static constexpr InodeNumber root = 2;

  /// From a superblock. Nullopt: not a file system that is understood.
  [[nodiscard]] static std::optional<Ext4Volume> from(const Partition& partition,
                                                      const Fields& superblock);

  [[nodiscard]] std::uint64_t block_bytes() const { return block_; }
  [[nodiscard]] std::uint64_t groups() const { return groups_; }
  [[nodiscard]] std::uint64_t inode_bytes() const { return inode_; }
  [[nodiscard]] InodeNumber journal() const { return journal_; }
  /// Where a block of the file system is on the disk; nullopt: nowhere.
  [[nodiscard]] std::optional<std::uint64_t> place(std::uint64_t block) const;
  void found_blocks(DiskView& disk, Need need, Run run) const;
  void found_descriptors(DiskView& disk) const;

  /// Nullopt: not here yet, or not sensible.
  [[nodiscard]] std::optional<Group> group(DiskView& disk, std::uint64_t number) const;
  [[nodiscard]] std::optional<Inode> inode(DiskView& disk, InodeNumber number) const;
  /// Where the content is, as far as that is known by now. Blocks of the map itself are noted as
  /// found.
  [[nodiscard]] std::vector<Run> runs(DiskView& disk, const Inode& inode) const;
  /// What is in a directory, as far as it is here. Its blocks are noted as found.
  [[nodiscard]] std::vector<Name> list(DiskView& disk, const Inode& directory) const;
  /// The target of a symbolic link.
  [[nodiscard]] std::optional<std::string> target(DiskView& disk, const Inode& link) const;

 private:
  void add_extents(DiskView& disk, const Fields& node, unsigned depth,
                   std::vector<Run>& runs) const;

  std::uint64_t offset_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t block_ = 0;
  std::uint64_t first_block_ = 0;
  std::uint64_t groups_ = 0;
  std::uint64_t inodes_per_group_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t descriptor_ = 32;
  InodeNumber journal_ = 0;
};

}  // namespace weft::fetcher::layout
