// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/mutex.h"
#include "indexer/core/range.h"
#include "indexer/core/shared_mutex.h"
#include "indexer/disk/disk_files.h"
#include "indexer/disk/disk_map.h"
#include "indexer/disk/disk_snapshot.h"
#include "indexer/disk/durable_map.h"
#include "indexer/disk/live_map.h"
#include "indexer/disk/region_locks.h"
#include "indexer/store/block_set.h"
#include "indexer/store/local_image.h"
#include "indexer/store/space_guard.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weft {

/// Where a disk reads the image below it.
class BlocksBelow {
 public:
  virtual ~BlocksBelow() = default;
  /// As LocalImage::read.
  [[nodiscard]] virtual Result<void> read(ByteOffset offset, std::span<std::byte> out) const = 0;
};

struct DiskUsage {
  BlockCount written;  ///< in the disk's own pack
  ByteCount physical;  ///< bytes on disk of pack and maps
};

/// A writable instance of an image: its own pack for what was written, the image below for the
/// rest. The image is never changed, and need not be here: a change of a part of a block needs the
/// rest of it, and says Errc::not_resident where that must be fetched first.
///
/// **What survives.** The end of the process, however it comes: every change that has returned.
/// The end of the machine: every change that returned before a `flush` began that has returned;
/// of others each block has the bytes of one change or another, whole. See STORE_FORMAT.md,
/// "Disks", for why.
///
/// Lifecycle: made by `Disks`, one object per disk and process. Destroying it does not flush.
/// Thread-safe. Reads take no lock; changes hold the locks of their regions during local disk I/O.
/// Lock order: `gate_`, regions; `flush_mutex_` alone.
class WritableDisk {
 public:
  /// Writes the files of a new disk, durable but for their directory.
  [[nodiscard]] static Result<void> make_files(FileSystem& fs, const DiskPaths& paths,
                                               const DiskHeader& header);
  /// `boot`: what tells one boot of this machine from another. Errc::damaged_state, newer_state.
  /// `space`: what changes take is reserved there, std::errc::no_space_on_device if it cannot be;
  /// null: nobody minds. It outlives the disk.
  [[nodiscard]] static Result<std::shared_ptr<WritableDisk>> open(
      FileSystem& fs, const DiskPaths& paths, std::string name, std::shared_ptr<LocalImage> base,
      const Digest& boot, SpaceGuard* space = nullptr);
  WritableDisk(const WritableDisk&) = delete;
  WritableDisk& operator=(const WritableDisk&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::shared_ptr<LocalImage>& base() const noexcept { return base_; }
  [[nodiscard]] ByteCount size() const noexcept { return size_; }

  // --- Reading.
  /// No block of `range` must be fetched. Lock-free.
  [[nodiscard]] bool readable(BlockRange range) const noexcept;
  /// From the first to the last block of `range` that must be fetched; empty if there is none.
  [[nodiscard]] BlockRange missing_within(BlockRange range) const;
  /// First run of blocks of `range` that may hold data.
  [[nodiscard]] std::optional<BlockRange> next_data(BlockRange range) const;
  /// Errors as LocalImage::read. `below` is asked for what the disk does not have.
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out,
                                  const BlocksBelow& below) const;
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out) const;

  // --- Changing. The range lies within the disk: Errc::bad_request otherwise.
  /// Errc::not_resident: a block that is changed in part must be fetched first (`missing_for`);
  /// nothing was changed. ENOSPC and others: each block has its old bytes or the new ones.
  [[nodiscard]] Result<void> write(ByteOffset offset, std::span<const std::byte> bytes,
                                   const BlocksBelow& below);
  [[nodiscard]] Result<void> write(ByteOffset offset, std::span<const std::byte> bytes);
  /// The range reads as zeros; what it took in the pack is given back. Errors as `write`. By and
  /// by: who writes elsewhere meanwhile waits for 1 MiB of it at most to be copied.
  [[nodiscard]] Result<void> zero(ByteOffset offset, ByteCount length, const BlocksBelow& below);
  [[nodiscard]] Result<void> zero(ByteOffset offset, ByteCount length);
  /// The blocks that a change of these bytes covers whole.
  [[nodiscard]] BlockRange whole_blocks(ByteOffset offset, ByteCount length) const;
  /// Blocks that a change of these bytes needs and that must be fetched: two at most.
  [[nodiscard]] std::vector<BlockIndex> missing_for(ByteOffset offset, ByteCount length) const;
  /// Makes every change that has returned durable. After an error of the file system's sync every
  /// further call fails, until the disk is opened again: the kernel may have marked clean what it
  /// could not write, and would let a second sync succeed without it.
  [[nodiscard]] Result<void> flush() WEFT_EXCLUDES(flush_mutex_);

  // --- Snapshots: one at a time.
  /// From now on the snapshot gets what it must keep. Errc::image_in_use: there is one.
  [[nodiscard]] Result<std::shared_ptr<DiskSnapshot>> begin_snapshot(DiskSnapshot::Sink sink)
      WEFT_EXCLUDES(gate_);
  /// Hands the blocks of `range` over to the snapshot.
  void keep_for(DiskSnapshot& snapshot, BlockRange range) WEFT_EXCLUDES(gate_);
  void end_snapshot() WEFT_EXCLUDES(gate_);

  [[nodiscard]] DiskUsage usage() const;
  [[nodiscard]] const DiskMap& map() const noexcept { return map_; }

 private:
  struct Files {
    std::unique_ptr<File> pack;
    std::shared_ptr<File> map;
    DurableMap durable;
  };
  /// The blocks that a change touches, and its first and last one if they change in part only, with
  /// what they are to hold.
  struct Edges;

  WritableDisk(std::string name, std::shared_ptr<LocalImage> base, Files files, SpaceGuard* space);
  [[nodiscard]] Result<void> load(FileSystem& fs, const DiskPaths& paths, const Digest& boot)
      WEFT_EXCLUDES(flush_mutex_);
  [[nodiscard]] Result<void> check_range(ByteOffset offset, std::uint64_t length) const;
  [[nodiscard]] Result<void> read_block(BlockIndex block, std::span<std::byte> out,
                                        const BlocksBelow& below) const;
  [[nodiscard]] Result<void> read_pack(ByteOffset offset, std::span<std::byte> out) const;
  [[nodiscard]] Result<Edges> edges_of(ByteOffset offset, std::uint64_t length,
                                       const std::byte* bytes, const BlocksBelow& below) const;
  [[nodiscard]] Result<void> reserve(BlockRange touched);
  [[nodiscard]] Result<void> write_edges(const Edges& edges);
  [[nodiscard]] Result<void> move_to(BlockRange range, DiskPlace place);
  [[nodiscard]] Result<ByteOffset> zero_some(ByteOffset offset, ByteOffset end,
                                             const BlocksBelow& below) WEFT_EXCLUDES(gate_);
  void give_back(std::span<const BlockRange> runs);
  [[nodiscard]] Result<void> synced(Result<void> outcome) WEFT_REQUIRES(flush_mutex_);
  [[nodiscard]] Result<void> flush_some(std::span<const std::uint64_t> chunks)
      WEFT_REQUIRES(flush_mutex_);
  [[nodiscard]] Result<void> write_down(std::span<const std::uint64_t> chunks,
                                        std::span<const DiskMap::Words> words)
      WEFT_REQUIRES(flush_mutex_);
  void mark_dirty(BlockRange range);

  // Constant after `open`; what they point to is thread-safe.
  const std::string name_;
  const std::shared_ptr<LocalImage> base_;
  const ByteCount size_;
  const std::unique_ptr<File> pack_;
  const std::shared_ptr<File> map_file_;  // of `durable_`; asked for its size only
  SpaceGuard* const space_;               // may be null

  // Lock-free to read; changed under the locks of the regions.
  DiskMap map_;
  std::optional<LiveMap> live_;  // set by `open`
  RegionLocks regions_;

  // Atomic.
  std::atomic<bool> unflushed_{true};  // changes have returned since the last flush began
  BlockSet dirty_chunks_;              // chunk numbers: the durable map says something else

  SharedMutex gate_;  // held shared by changes, alone by who makes or ends a snapshot
  std::shared_ptr<DiskSnapshot> snapshot_ WEFT_GUARDED_BY(gate_);

  mutable Mutex flush_mutex_;  // orders flushes
  DurableMap durable_ WEFT_GUARDED_BY(flush_mutex_);
  std::optional<Error> sync_failed_ WEFT_GUARDED_BY(flush_mutex_);
};

}  // namespace weft
