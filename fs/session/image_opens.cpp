// SPDX-License-Identifier: Apache-2.0
#include "fs/session/image_opens.h"

#include <spdlog/spdlog.h>

#include <cstring>
#include <utility>

#include <sys/stat.h>

namespace weft::fs {

std::string_view to_string(PassthroughPolicy policy) noexcept {
  return policy == PassthroughPolicy::off ? "off" : "auto";
}

std::optional<PassthroughPolicy> parse_passthrough(std::string_view text) noexcept {
  for (const auto policy : {PassthroughPolicy::automatic, PassthroughPolicy::off}) {
    if (to_string(policy) == text) return policy;
  }
  return std::nullopt;
}

std::string_view OpensStatus::mode() const noexcept {
  if (counts.passthrough > 0) return "passthrough";
  if (counts.cached > 0) return "cached";
  return counts.direct > 0 ? "direct" : "-";
}

bool offers_passthrough(std::span<const std::byte> init_request) noexcept {
  abi::InitIn init;
  if (init_request.size() < sizeof(abi::InHeader) + sizeof init) return false;
  std::memcpy(&init, init_request.data() + sizeof(abi::InHeader), sizeof init);
  return (init.flags & abi::init_ext) != 0 && (init.flags2 & abi::init2_passthrough) != 0;
}

ImageOpens::ImageOpens(Parts parts)
    : image_(std::move(parts.image)),
      policy_(parts.policy),
      offered_(parts.offered),
      backing_(std::move(parts.backing)),
      table_(std::move(parts.table)) {}

std::string_view ImageOpens::standing_obstacle() const {
  if (policy_ == PassthroughPolicy::off) return "passthrough is off";
  if (!offered_) return "the kernel has no FUSE passthrough (Linux 6.9)";
  if (!table_) return "the mount was made by another version";
  if (table_->uncounted()) return "more opens than can be counted";
  if (image_->in_place()) return "the image is in place: each read is checked";
  if (image_->info().size.value() % block_size != 0) {
    return "the image's size is not a multiple of 4096";
  }
  return refused_;
}

bool ImageOpens::may_pass(const OpenCounts& held) const {
  return standing_obstacle().empty() && held.cached == 0 && (!held_off_ || held.passthrough > 0);
}

std::optional<std::uint64_t> ImageOpens::enter(std::uint64_t request, IoMode mode) {
  return table_ ? table_->add(request, mode) : std::nullopt;
}

abi::OpenOut ImageOpens::open(std::uint64_t request, bool direct) {
  const Lock lock(mutex_);
  const std::uint64_t number = request & ~abi::resent;
  if (table_ && number != request) table_->remove_request(number);
  const OpenCounts held = table_ ? table_->counts() : OpenCounts{};
  if (may_pass(held)) {
    if (const std::int32_t id = backing_id(held); id != 0) {
      return {enter(number, IoMode::passthrough).value_or(0), abi::open_passthrough, id};
    }
  }
  const auto handle = enter(number, direct ? IoMode::direct : IoMode::cached);
  if (!handle && !direct && table_) table_->set_uncounted();
  // An O_DIRECT open that is not answered with direct I/O counts as cached. Keeping the cache, for
  // direct opens too: the kernel would drop the cached pages otherwise, and wait, unkillable, for
  // those that a cached reader's fetch keeps locked.
  const std::uint32_t flags = abi::open_keep_cache | (direct ? abi::open_direct_io : 0);
  return {handle.value_or(0), flags, 0};
}

// A predecessor has compared the pack, and while its opens are held a mode other than passthrough
// would fail. So its word counts until this worker has compared the pack too, or lost a block.
bool ImageOpens::vouched_for(const OpenCounts& held) const {
  return held.passthrough > 0 && image_->lost_blocks() == BlockCount(0) &&
         image_->readable({BlockIndex(0), image_->shape().blocks()});
}

// One backing file for the life of the mount: while an open is held in passthrough the kernel
// accepts no other, and the pack never moves.
std::int32_t ImageOpens::backing_id(const OpenCounts& held) {
  const Backing known = table_->backing();
  const int pack = image_->whole_pack();
  if (pack < 0) return vouched_for(held) ? known.id : 0;
  struct stat info{};
  if (::fstat(pack, &info) != 0) return 0;
  if (known.id != 0) {
    if (known.device == info.st_dev && known.inode == info.st_ino) return known.id;
    if (held.passthrough > 0) return 0;
    backing_->close(known.id);
  }
  const auto id = backing_->open(pack);
  if (!id) {
    refused_ = "the kernel refuses the pack: " + id.error().message();
    spdlog::info("image {}: no passthrough: {}", to_hex(image_->info().id), id.error().message());
    return 0;
  }
  table_->set_backing({*id, info.st_dev, info.st_ino});
  return *id;
}

void ImageOpens::release(std::uint64_t handle) {
  const Lock lock(mutex_);
  if (table_ && handle != 0) table_->remove(handle);
}

void ImageOpens::hold_off(bool hold) {
  const Lock lock(mutex_);
  held_off_ = hold;
}

bool ImageOpens::wants_whole_pack() const {
  const Lock lock(mutex_);
  return standing_obstacle().empty() && image_->whole_pack() < 0;
}

OpensStatus ImageOpens::status() const {
  const Lock lock(mutex_);
  OpensStatus status;
  if (table_) status.counts = table_->counts();
  status.obstacle = standing_obstacle();
  if (!status.obstacle.empty()) return status;
  status.pack_is_whole = image_->whole_pack() >= 0 || vouched_for(status.counts);
  if (!status.pack_is_whole) {
    status.obstacle = "the pack is not the whole image yet";
  } else if (status.counts.cached > 0) {
    status.obstacle = "cached opens are held";
  } else if (held_off_ && status.counts.passthrough == 0) {
    status.obstacle =
        "its boot is being recorded until the guest rests, or `weft profile record TARGET stop`";
  }
  return status;
}

}  // namespace weft::fs
