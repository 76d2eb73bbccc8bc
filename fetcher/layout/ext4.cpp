// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/ext4.h"

#include "fetcher/layout/ext4_volume.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::fetcher::layout {
namespace {

using Inode = Ext4Volume::Inode;
using InodeNumber = Ext4Volume::InodeNumber;

constexpr std::uint64_t superblock_at = 1024;
constexpr std::uint64_t journal_head = 64 * 1024;
constexpr std::uint64_t largest_kernel_file = 96U << 20;
constexpr std::uint64_t largest_init_file = 8U << 20;
constexpr std::uint64_t largest_small_file = 64 * 1024;
constexpr std::size_t most_small_files = 512;
constexpr std::uint64_t first_groups = 8;
constexpr std::uint64_t most_of_a_table = 1U << 20;

constexpr std::string_view kernel_names[] = {"vmlinuz", "vmlinux", "initrd", "initramfs",
                                             "bzImage"};
constexpr std::string_view loader_directories[] = {"grub", "grub2", "extlinux", "syslinux",
                                                   "loader"};
/// The first programs, and what they are linked with, as the usual distributions place them.
constexpr std::string_view init_files[] = {
    "/sbin/init",
    "/bin/sh",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/lib/systemd/systemd-journald",
    "/lib/systemd/systemd-udevd",
    "/bin/udevadm",
};

bool starts_with_any(std::string_view name, std::span<const std::string_view> starts) {
  return std::ranges::any_of(starts, [&](std::string_view s) { return name.starts_with(s); });
}

bool is_kernel(std::string_view name) {
  return starts_with_any(name, kernel_names) && !name.ends_with(".old");
}

class Explorer {
 public:
  Explorer(DiskView& disk, const Ext4Volume& volume) : disk_(disk), volume_(volume) {}

  void run() {
    volume_.found_descriptors(disk_);
    if (const auto inode = volume_.inode(disk_, volume_.journal()))
      content(*inode, Need::start, journal_head, false);
    boot_files("/");
    boot_files("/boot");
    for (const std::string_view path : init_files) {
      if (const auto inode = find(path)) content(*inode, Need::init, largest_init_file, true);
    }
    small_files("/etc", Need::init);
    metadata();
  }

 private:
  /// The first `most` bytes of a file; `whole`: nothing of it if it is larger.
  void content(const Inode& inode, Need need, std::uint64_t most, bool whole) {
    if (inode.kind != Inode::Kind::file || (whole && inode.size > most)) return;
    const std::uint64_t size = volume_.block_bytes();
    std::uint64_t left = (std::min(inode.size, most) + size - 1) / size;
    for (const Ext4Volume::Run& run : volume_.runs(disk_, inode)) {
      const std::uint64_t count = std::min(left, run.count);
      volume_.found_blocks(disk_, need, {run.block, count});
      left -= count;
      if (left == 0) return;
    }
  }

  void boot_files(std::string_view path) {
    const auto directory = find(path);
    if (!directory) return;
    const auto names = volume_.list(disk_, *directory);
    default_kernel(path, names);
    for (const auto& [number, name] : names) {
      if (starts_with_any(name, loader_directories)) {
        const std::string below = std::string(path) + (path == "/" ? "" : "/") + name;
        small_files(below, Need::kernel);
      }
      if (!is_kernel(name) || linked_kernel_) continue;
      if (const auto inode = volume_.inode(disk_, number))
        content(*inode, Need::kernel, largest_kernel_file, true);
    }
  }

  /// Links name what is booted by default. As long as it is not known whether there are any, and in
  /// their presence, other kernels are left alone.
  void default_kernel(std::string_view path, const std::vector<Ext4Volume::Name>& names) {
    for (const auto& [number, name] : names) {
      if (!is_kernel(name)) continue;
      const auto entry = volume_.inode(disk_, number);
      if (entry && entry->kind != Inode::Kind::link) continue;
      linked_kernel_ = true;
      if (const auto inode = follow(path, number, disk_.limits().depth))
        content(*inode, Need::kernel, largest_kernel_file, true);
    }
  }

  /// Of a directory and those directly below it.
  void small_files(const std::string& path, Need need, unsigned levels = 2) {
    const auto directory = find(path);
    if (!directory || levels == 0) return;
    for (const auto& [number, name] : volume_.list(disk_, *directory)) {
      if (name == "." || name == ".." || disk_.full() || small_ >= most_small_files) continue;
      const auto inode = volume_.inode(disk_, number);
      if (!inode) continue;
      if (inode->kind == Inode::Kind::directory) small_files(path + "/" + name, need, levels - 1);
      if (inode->kind == Inode::Kind::file) {
        ++small_;
        content(*inode, need, largest_small_file, true);
      }
    }
  }

  void metadata() {
    for (std::uint64_t i = 0; i < std::min(volume_.groups(), first_groups); ++i) {
      const auto group = volume_.group(disk_, i);
      if (!group) continue;
      if (group->has_blocks) volume_.found_blocks(disk_, Need::soon, {group->block_bitmap, 1});
      if (!group->has_inodes) continue;
      volume_.found_blocks(disk_, Need::soon, {group->inode_bitmap, 1});
      const std::uint64_t bytes =
          std::min(most_of_a_table, times(group->used_inodes, volume_.inode_bytes()));
      const std::uint64_t size = volume_.block_bytes();
      volume_.found_blocks(disk_, Need::soon, {group->inode_table, (bytes + size - 1) / size});
    }
  }

  /// By an absolute path. Nullopt: not here yet, or not there.
  [[nodiscard]] std::optional<Inode> find(std::string_view path) {
    return find(std::string(path), disk_.limits().depth);
  }

  [[nodiscard]] std::optional<Inode> find(std::string path, unsigned links) {
    auto at = volume_.inode(disk_, Ext4Volume::root);
    std::string walked = "/";
    std::size_t from = 0;
    while (at && from < path.size()) {
      const std::size_t end = std::min(path.find('/', from), path.size());
      const std::string name = path.substr(from, end - from);
      from = end + 1;
      if (name.empty() || name == ".") continue;
      const auto number = entry(*at, name);
      if (!number) return std::nullopt;
      at = follow(walked, *number, links);
      walked += name + "/";
    }
    return at;
  }

  /// The inode, or what it links to. `directory`: where the link is.
  [[nodiscard]] std::optional<Inode> follow(std::string_view directory, InodeNumber number,
                                            unsigned links) {
    const auto inode = volume_.inode(disk_, number);
    if (!inode || inode->kind != Inode::Kind::link) return inode;
    const auto target = volume_.target(disk_, *inode);
    if (!target || links == 0) return std::nullopt;
    if (target->starts_with('/')) return find(*target, links - 1);
    return find(std::string(directory) + "/" + *target, links - 1);
  }

  /// ".." is what the directory says it is.
  [[nodiscard]] std::optional<InodeNumber> entry(const Inode& directory, std::string_view name) {
    const auto names = volume_.list(disk_, directory);
    const auto found = std::ranges::find(names, name, &Ext4Volume::Name::name);
    return found == names.end() ? std::nullopt : std::optional(found->inode);
  }

  DiskView& disk_;
  const Ext4Volume& volume_;
  std::size_t small_ = 0;
  bool linked_kernel_ = false;
};

}  // namespace

Recognised explore_ext4(DiskView& disk, const Partition& partition) {
  const std::uint64_t at = plus(partition.offset, superblock_at);
  if (partition.length < 2 * superblock_at) return Recognised::no;
  disk.found(Need::start, at, superblock_at);
  const auto bytes = disk.read(at, superblock_at);
  if (!bytes) return Recognised::not_here_yet;
  const auto volume = Ext4Volume::from(partition, Fields(*bytes));
  if (!volume) return Recognised::no;
  Explorer(disk, *volume).run();
  return Recognised::yes;
}

}  // namespace weft::fetcher::layout
