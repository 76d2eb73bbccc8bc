// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/writable_disk.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

// Pages of the map that one flush holds in memory at once.
constexpr std::size_t chunks_at_once = 1024;

}  // namespace

Result<void> WritableDisk::make_files(FileSystem& fs, const DiskPaths& paths,
                                      const DiskHeader& header) {
  WEFT_TRY(auto pack, fs.open(paths.pack, OpenMode::create_exclusive));
  WEFT_CHECK(pack->truncate(bytes_of(blocks_for(header.bytes))));
  WEFT_CHECK(pack->sync());
  WEFT_TRY(auto map, fs.open(paths.map, OpenMode::create_exclusive));
  WEFT_CHECK(DurableMap::create(*map, header));
  return map->sync();
}

Result<std::shared_ptr<WritableDisk>> WritableDisk::open(FileSystem& fs, const DiskPaths& paths,
                                                         std::string name,
                                                         std::shared_ptr<LocalImage> base,
                                                         const Digest& boot, SpaceGuard* space) {
  WEFT_TRY(auto pack, fs.open(paths.pack, OpenMode::read_write));
  WEFT_TRY(std::shared_ptr<File> map, fs.open(paths.map, OpenMode::read_write));
  WEFT_TRY(auto durable, DurableMap::open(map));
  if (durable.header().base != base->info().id || durable.header().bytes != base->info().size) {
    return fail(Errc::damaged_state, Operation::open,
                "disk " + name + ": its files belong to another image than the catalog says");
  }
  std::shared_ptr<WritableDisk> disk(
      new WritableDisk(std::move(name), std::move(base),
                       Files{std::move(pack), std::move(map), std::move(durable)}, space));
  WEFT_CHECK(disk->load(fs, paths, boot));
  return disk;
}

WritableDisk::WritableDisk(std::string name, std::shared_ptr<LocalImage> base, Files files,
                           SpaceGuard* space)
    : name_(std::move(name)),
      base_(std::move(base)),
      size_(files.durable.header().bytes),
      pack_(std::move(files.pack)),
      map_file_(std::move(files.map)),
      space_(space),
      map_(blocks_for(size_)),
      dirty_chunks_(BlockCount(map_.chunks())),
      durable_(std::move(files.durable)) {}

Result<void> WritableDisk::load(FileSystem& fs, const DiskPaths& paths, const Digest& boot) {
  const Lock lock(flush_mutex_);
  DiskMap durable(map_.blocks());
  WEFT_CHECK(durable_.load(durable));
  const LiveHeader header{durable_.header().serial, boot, map_.blocks()};
  WEFT_TRY(live_, LiveMap::open(fs, paths.live, header, map_));
  for (std::uint64_t chunk = 0; chunk < map_.chunks(); ++chunk) {
    if (durable.is_untouched(chunk) && map_.is_untouched(chunk)) continue;
    DiskMap::Words flushed;
    durable.copy_chunk(chunk, flushed);
    if (!live_) {
      map_.load_chunk(chunk, flushed);
      continue;
    }
    DiskMap::Words now;
    map_.copy_chunk(chunk, now);
    if (now != flushed) dirty_chunks_.insert({BlockIndex(chunk), BlockCount(1)});
  }
  if (!live_) {
    WEFT_TRY(live_, LiveMap::create(fs, paths.live, header, map_));
  }
  return {};
}

void WritableDisk::mark_dirty(BlockRange range) {
  const std::uint64_t first = DiskMap::chunk_of(range.first);
  const std::uint64_t last = DiskMap::chunk_of(range.end() - BlockCount(1));
  dirty_chunks_.insert({BlockIndex(first), BlockCount(last - first + 1)});
}

// The data first: a map on disk speaks of nothing that is not there.
Result<void> WritableDisk::write_down(std::span<const std::uint64_t> chunks,
                                      std::span<const DiskMap::Words> words) {
  WEFT_CHECK(synced(pack_->sync()));
  for (std::size_t i = 0; i < chunks.size(); ++i)
    WEFT_CHECK(durable_.write(chunks[i], words[i]));
  return chunks.empty() ? Result<void>{} : synced(durable_.sync());
}

// As QEMU does for its own files (block/file-posix.c, page_cache_inconsistent).
Result<void> WritableDisk::synced(Result<void> outcome) {
  if (outcome) return outcome;
  sync_failed_ = outcome.error();
  sync_failed_->detail += ": disk " + name_ +
                          ": what was written since the last flush may be lost; end its users, "
                          "check the file system below, and mount it again";
  return std::unexpected(*sync_failed_);
}

// The words are copied before the data are synced. A block that goes to another place meanwhile is
// copied in one place or the other, and its chunk is dirty again.
Result<void> WritableDisk::flush_some(std::span<const std::uint64_t> chunks) {
  std::vector<DiskMap::Words> words(chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    dirty_chunks_.erase({BlockIndex(chunks[i]), BlockCount(1)});
    map_.copy_chunk(chunks[i], words[i]);
  }
  auto written = write_down(chunks, words);
  if (written) return {};
  for (const std::uint64_t chunk : chunks)
    dirty_chunks_.insert({BlockIndex(chunk), BlockCount(1)});
  return written;
}

Result<void> WritableDisk::flush() {
  const Lock lock(flush_mutex_);
  if (sync_failed_) return std::unexpected(*sync_failed_);
  // A flush that began after the last change has returned has done all there is to do.
  if (!unflushed_.exchange(false)) return {};
  const BlockRange all{BlockIndex(0), BlockCount(map_.chunks())};
  BlockRange rest = all;
  for (bool first = true;; first = false) {
    std::vector<std::uint64_t> chunks;
    while (chunks.size() < chunks_at_once) {
      const auto dirty = dirty_chunks_.next(rest);
      if (!dirty) break;
      chunks.push_back(dirty->value());
      rest = BlockRange::between(*dirty + BlockCount(1), all.end());
    }
    if (chunks.empty() && !first) return {};
    const bool more = chunks.size() == chunks_at_once;
    if (auto done = flush_some(chunks); !done) {
      unflushed_ = true;
      return done;
    }
    if (!more) return {};
  }
}

Result<std::shared_ptr<DiskSnapshot>> WritableDisk::begin_snapshot(DiskSnapshot::Sink sink) {
  const ExclusiveLock alone(gate_);
  if (snapshot_) {
    return fail(Errc::image_in_use, Operation::commit, "disk " + name_ + " is being committed");
  }
  snapshot_ = std::make_shared<DiskSnapshot>(map_, std::move(sink));
  return snapshot_;
}

void WritableDisk::keep_for(DiskSnapshot& snapshot, BlockRange range) {
  const SharedLock gate(gate_);
  const RegionLocks::Guard held(regions_, range);
  snapshot.keep(range, *pack_);
}

void WritableDisk::end_snapshot() {
  const ExclusiveLock alone(gate_);
  snapshot_.reset();
}

DiskUsage WritableDisk::usage() const {
  DiskUsage usage{.written = map_.written(), .physical = {}};
  for (File* const file : {pack_.get(), map_file_.get()})
    if (const auto stat = file->stat()) usage.physical += stat->allocated;
  if (const auto live = live_->physical_size()) usage.physical += *live;
  return usage;
}

}  // namespace weft
