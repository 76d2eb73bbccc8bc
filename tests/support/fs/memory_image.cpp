// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/memory_image.h"

#include "indexer/core/hash.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

namespace weft::testing {
namespace {

std::vector<std::byte> padded(std::vector<std::byte> content) {
  content.resize(blocks_for(ByteCount(content.size())).value() * block_size);
  return content;
}

ImageInfo info_of(ByteCount size, std::span<const std::byte> content) {
  const Digest root = sha256(content);
  return {.id = make_image_id(size, root), .size = size, .root = root};
}

std::unexpected<Error> not_resident(BlockIndex block) {
  return fail(Errc::not_resident, Operation::read, "block " + std::to_string(block.value()));
}

}  // namespace

MemoryImage::MemoryImage(std::vector<std::byte> content)
    : content_(padded(content)),
      shape_(ByteCount(content.size())),
      info_(info_of(ByteCount(content.size()), content_)),
      resident_(shape_.blocks().value()) {
  for (BlockIndex b{0}; b < all().end(); ++b)
    zero_.push_back(is_all_zero(block(b)));
}

void MemoryImage::make_resident(BlockRange range) {
  for (BlockIndex b = range.first; b < range.end(); ++b)
    resident_[b.value()] = !zero_[b.value()];
  ++generation_;
}

void MemoryImage::lose(BlockRange range) {
  for (BlockIndex b = range.first; b < range.end(); ++b) {
    if (resident_[b.value()].exchange(false)) ++lost_;
  }
  ++generation_;
}

Result<Digest> MemoryImage::block_digest(BlockIndex index) {
  return digest_of_block(block(index));
}

Result<NodeBytes> MemoryImage::node(TreeNode /*node*/) {
  return fail(Errc::not_resident, Operation::read, "no tree in memory");
}

Result<std::optional<TreeNode>> MemoryImage::first_missing_node(BlockIndex /*block*/) {
  return std::optional<TreeNode>();
}

Result<void> MemoryImage::add_node(TreeNode /*node*/, std::span<const std::byte> /*bytes*/) {
  return {};
}

bool MemoryImage::readable(BlockRange range) const noexcept {
  for (BlockIndex b = range.first; b < range.end(); ++b) {
    if (!zero_[b.value()] && !resident_[b.value()]) return false;
  }
  return true;
}

std::optional<BlockRange> MemoryImage::next_missing(BlockRange range) const {
  const auto missing = [&](BlockIndex b) { return !readable({b, BlockCount(1)}); };
  BlockIndex first = range.first;
  while (first < range.end() && !missing(first))
    ++first;
  BlockIndex end = first;
  while (end < range.end() && missing(end))
    ++end;
  if (first == end) return std::nullopt;
  return BlockRange::between(first, end);
}

std::optional<BlockRange> MemoryImage::next_data(BlockRange range) {
  BlockIndex first = range.first;
  while (first < range.end() && zero_[first.value()])
    ++first;
  BlockIndex end = first;
  while (end < range.end() && !zero_[end.value()])
    ++end;
  if (first == end) return std::nullopt;
  return BlockRange::between(first, end);
}

Result<void> MemoryImage::read(ByteOffset offset, std::span<std::byte> out) {
  if (hooked_ && hooked_.exchange(false)) on_next_read_();
  if (broken_) return fail_errno(EIO, Operation::read, "pack");
  const BlockRange range = blocks_touched(offset, ByteCount(out.size()));
  unsigned losses = lose_on_read_;
  while (losses > 0 && !lose_on_read_.compare_exchange_weak(losses, losses - 1)) {
  }
  if (losses > 0) lose({range.first, BlockCount(1)});
  if (const auto missing = next_missing(range)) return not_resident(missing->first);
  std::memcpy(out.data(), content_.data() + offset.value(), out.size());
  return {};
}

Result<void> MemoryImage::commit(BlockRange range, std::span<const std::byte> bytes) {
  for (BlockIndex b = range.first; b < range.end(); ++b) {
    const auto got = bytes.subspan((b - range.first).value() * block_size, block_size);
    if (!std::ranges::equal(got, block(b))) {
      return fail(Errc::digest_mismatch, Operation::commit, std::to_string(b.value()));
    }
    make_resident({b, BlockCount(1)});
  }
  return {};
}

ImageUsage MemoryImage::usage() const {
  ImageUsage usage;
  usage.total = shape_.blocks();
  for (BlockIndex b{0}; b < all().end(); ++b) {
    if (zero_[b.value()]) usage.zero += BlockCount(1);
    if (resident_[b.value()]) usage.resident += BlockCount(1);
  }
  usage.missing = usage.total - usage.zero - usage.resident;
  usage.physical = bytes_of(usage.resident);
  usage.complete = usage.missing == BlockCount(0);
  return usage;
}

std::span<const std::byte> MemoryImage::block(BlockIndex index) const {
  return std::span(content_).subspan(index.value() * block_size, block_size);
}

std::vector<std::byte> make_content(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> content(size);
  std::mt19937_64 random(seed);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t value = random();
    const bool hole = (at / block_size) % 64 >= 48 && (at / block_size) % 64 < 56;
    if (!hole) std::memcpy(content.data() + at, &value, std::min<std::size_t>(8, size - at));
  }
  return content;
}

}  // namespace weft::testing
