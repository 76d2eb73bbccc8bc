// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/disk_update.h"

#include "indexer/core/hash.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace weft {

Result<std::unique_ptr<DiskUpdate>> DiskUpdate::begin(std::shared_ptr<ImageTable> table,
                                                      UpdateTarget target) {
  WEFT_CHECK(check_image_size(target.size, target.source));
  const Lock changes(table->changes());
  WEFT_TRY(const auto id, table->catalog().image_named(target.name));
  if (!id) {
    return fail(Errc::unknown_image, Operation::import,
                "'" + target.name + "': no image has this name, so there is none to update");
  }
  WEFT_TRY(auto handle, table->handle(*id));
  WEFT_TRY(auto old, table->open(*id));
  WEFT_TRY(auto incoming, IncomingImage::create(table, target.size));
  std::unique_ptr<DiskUpdate> update(new DiskUpdate(
      std::move(table), std::move(target), std::move(incoming), std::move(handle), std::move(old)));
  WEFT_CHECK(update->choose_layout());
  return update;
}

DiskUpdate::DiskUpdate(std::shared_ptr<ImageTable> table, UpdateTarget target,
                       std::unique_ptr<IncomingImage> incoming, std::shared_ptr<LocalImage> handle,
                       std::shared_ptr<PackImage> old)
    : table_(std::move(table)),
      target_(std::move(target)),
      kind_(target_.kind.value_or(old->in_place() ? PackKind::in_place : PackKind::own)),
      blocks_(blocks_for(target_.size)),
      incoming_(std::move(incoming)),
      old_(std::move(old)),
      handle_(std::move(handle)),
      tree_(incoming_->tree(), target_.size, old_->tree()),
      changed_(blocks_),
      map_(blocks_) {}

Result<void> DiskUpdate::choose_layout() {
  if (kind_ != PackKind::own) return {};
  if (old_->in_place()) {
    layout_ = Layout::copy;
    return {};
  }
  layout_ = Layout::borrow;
  if (!old_->is_full()) return {};
  const BlockCount common = std::min(blocks_, old_->shape().blocks());
  const auto cloned =
      incoming_->pack().clone_from(old_->pack()->own(), {ByteOffset(0), bytes_of(common)});
  if (cloned) layout_ = Layout::shared;
  return cloned || cloned.error().is(Errc::unsupported) ? Result<void>{} : cloned;
}

Result<void> DiskUpdate::clone(File& source) {
  // A last block that is only partly in the image is copied: file systems share whole blocks.
  const ByteCount whole(target_.size.value() / block_size * block_size);
  return whole == ByteCount(0) ? Result<void>{}
                               : incoming_->pack().clone_from(source, {ByteOffset(0), whole});
}

bool DiskUpdate::is_partial_end(BlockIndex block) const {
  return target_.size.value() % block_size != 0 &&
         block + BlockCount(1) == BlockIndex(blocks_.value());
}

BlockRange DiskUpdate::in_old(BlockRange blocks) const {
  return intersect(blocks, {BlockIndex(0), old_->shape().blocks()});
}

// How many of the blocks have a known digest in the old image: the rest lie past its end, or below
// a tree node that is not here.
std::size_t DiskUpdate::old_digests(BlockIndex first, std::span<Digest> out) {
  const std::size_t count = in_old({first, BlockCount(out.size())}).count.value();
  const bool known = target_.take_over && count > 0 &&
                     old_->tree().block_digests(first, out.first(count)).has_value();
  return known ? count : 0;
}

Result<UpdateWriter::Mask> DiskUpdate::take_unchanged(BlockIndex first,
                                                      std::span<const std::byte> bytes) {
  const std::size_t count = bytes.size() / block_size;
  const auto block = [&](std::size_t i) { return bytes.subspan(i * block_size, block_size); };
  std::array<std::uint64_t, piece_blocks> sums{};
  const std::size_t inside = in_old({first, BlockCount(count)}).count.value();
  if (target_.take_over && inside > 0) {
    old_->comparable_sums(first, std::span(sums).first(inside));
  }
  Mask left;
  Fates fates;
  for (std::size_t i = 0; i < count; ++i) {
    const bool same = sums[i] != 0 && xxh3(block(i)) == sums[i];
    fates.data[i] = fates.held[i] = same;
    left[i] = !same;
    if (!same) sums[i] = 0;
  }
  if (left.any()) {
    // Blocks without a sum may be zero, as they were.
    std::array<Digest, piece_blocks> old;
    const std::size_t known = old_digests(first, std::span(old).first(count));
    for (std::size_t i = 0; i < known; ++i)
      if (left[i] && old[i].is_zero() && is_all_zero(block(i))) left[i] = false;
  }
  if (fates.data.any()) WEFT_CHECK(keep(first, bytes, fates, std::span(sums).first(count)));
  return left;
}

Result<void> DiskUpdate::put(BlockIndex first, std::span<const std::byte> bytes,
                             std::span<const Digest> digests) {
  const std::size_t count = digests.size();
  if (count > piece_blocks || bytes.size() != count * block_size ||
      first.value() > blocks_.value() || count > blocks_.value() - first.value()) {
    return fail(Errc::bad_request, Operation::import, "blocks beyond the image's end");
  }
  std::array<Digest, piece_blocks> old;  // past the old end: zero
  const std::size_t known = old_digests(first, std::span(old).first(count));
  const std::size_t inside = in_old({first, BlockCount(count)}).count.value();
  std::array<std::uint64_t, piece_blocks> sums{};
  Fates fates;
  for (std::size_t i = 0; i < count; ++i) {
    const BlockRange block{first + BlockCount(i), BlockCount(1)};
    fates.changed[i] = i < inside && i >= known ? true : digests[i] != old[i];
    if (digests[i].is_zero()) continue;
    fates.data[i] = true;
    fates.held[i] = !fates.changed[i] && old_->readable(block);
    sums[i] = xxh3(bytes.subspan(i * block_size, block_size));
  }
  WEFT_CHECK(keep(first, bytes, fates, std::span(sums).first(count)));
  return each_run(fates.changed, [&](std::size_t at, std::size_t n) {
    return tree_.put(first + BlockCount(at), digests.subspan(at, n));
  });
}

// Blocks, sums and what is known of them. `sums` are those of `first` on; 0 for zero blocks and for
// blocks that are told later.
Result<void> DiskUpdate::keep(BlockIndex first, std::span<const std::byte> bytes,
                              const Fates& fates, std::span<const std::uint64_t> sums) {
  const Mask others = fates.data & ~fates.held;
  if (layout_ == Layout::borrow) {
    WEFT_CHECK(each_run(fates.held, [&](std::size_t at, std::size_t n) -> Result<void> {
      map_.borrowed.insert({first + BlockCount(at), BlockCount(n)});
      return {};
    }));
  }
  if (layout_ != Layout::outside) {
    WEFT_CHECK(write_runs(first, bytes, layout_ == Layout::copy ? fates.data : others));
  } else if (const std::size_t last = sums.size() - 1; kind_ == PackKind::reflink &&
                                                       fates.data[last] &&
                                                       is_partial_end(first + BlockCount(last))) {
    WEFT_CHECK(write_runs(first, bytes, Mask().set(last)));
  }
  WEFT_CHECK(each_run(fates.changed & ~fates.data, [&](std::size_t at, std::size_t n) {
    return now_zero({first + BlockCount(at), BlockCount(n)});
  }));
  WEFT_CHECK(each_run(fates.changed, [&](std::size_t at, std::size_t n) -> Result<void> {
    changed_.insert({first + BlockCount(at), BlockCount(n)});
    return {};
  }));
  data_blocks_.fetch_add(fates.data.count(), std::memory_order_relaxed);
  return fates.data.any() ? incoming_->sums().store(first, sums) : Result<void>{};
}

Result<void> DiskUpdate::write_runs(BlockIndex first, std::span<const std::byte> bytes,
                                    const Mask& blocks) {
  return each_run(blocks, [&](std::size_t at, std::size_t n) -> Result<void> {
    const BlockRange run{first + BlockCount(at), BlockCount(n)};
    WEFT_CHECK(table_->space().reserve(bytes_of(run.count)));
    WEFT_CHECK(incoming_->pack().write_at(offset_of(run.first),
                                          bytes.subspan(at * block_size, n * block_size)));
    map_.own.insert(run);
    return {};
  });
}

// Blocks that had data in the old image.
Result<void> DiskUpdate::now_zero(BlockRange blocks) {
  changed_.insert(blocks);
  if (layout_ != Layout::shared) return {};
  return incoming_->pack().punch({offset_of(blocks.first), bytes_of(blocks.count)});
}

Result<void> DiskUpdate::put_zero(BlockRange blocks) {
  blocks = in_old(intersect(blocks, {BlockIndex(0), blocks_}));
  if (blocks.empty()) return {};
  if (!target_.take_over) return now_zero(blocks);
  const auto walked =
      old_->each_data(blocks, [&](BlockRange run) -> Result<void> { return now_zero(run); });
  return walked || !walked.error().is(Errc::not_resident) ? walked : now_zero(blocks);
}

}  // namespace weft
