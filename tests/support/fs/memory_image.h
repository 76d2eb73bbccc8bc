// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/local_image.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace weft::testing {

/// An image in memory that knows its content from the start and plays residency: for tests of what
/// stands above the store. Blocks are missing until committed; all-zero blocks are readable.
/// Thread-safe like the real one.
class MemoryImage final : public LocalImage {
 public:
  explicit MemoryImage(std::vector<std::byte> content);

  /// Makes blocks readable, or lost, without a commit.
  void make_resident(BlockRange range);
  void lose(BlockRange range);
  /// From now on these count as another image's, if they are readable.
  void lend(BlockRange range) { lent_ = range; }
  /// The next `count` reads find their first block lost.
  void lose_on_read(unsigned count) { lose_on_read_ = count; }
  /// A file that is taken for the whole pack from now on; −1: none.
  void set_whole_pack(int descriptor) { whole_pack_ = descriptor; }
  /// Is called once, by the next read, before it looks. Set while nobody reads.
  void on_next_read(std::function<void()> hook) {
    on_next_read_ = std::move(hook);
    hooked_ = true;
  }
  /// The next reads fail with EIO.
  void break_disk(bool broken) { broken_ = broken; }

  [[nodiscard]] std::span<const std::byte> content() const { return content_; }
  [[nodiscard]] BlockRange all() const { return {BlockIndex(0), shape_.blocks()}; }

  const ImageInfo& info() const noexcept override { return info_; }
  const TreeShape& shape() const noexcept override { return shape_; }
  bool in_place() const noexcept override { return false; }
  Result<Digest> block_digest(BlockIndex block) override;
  Result<NodeBytes> node(TreeNode node) override;
  Result<std::optional<TreeNode>> first_missing_node(BlockIndex block) override;
  Result<void> add_node(TreeNode node, std::span<const std::byte> bytes) override;
  bool readable(BlockRange range) const noexcept override;
  bool borrows(BlockRange range) const noexcept override {
    return !intersect(range, lent_).empty();
  }
  std::optional<BlockRange> next_missing(BlockRange range) const override;
  std::optional<BlockRange> next_data(BlockRange range) override;
  Result<void> read(ByteOffset offset, std::span<std::byte> out) override;
  Result<void> commit(BlockRange range, std::span<const std::byte> bytes) override;
  int whole_pack() const noexcept override { return whole_pack_; }
  Result<void> flush() override { return {}; }
  std::uint64_t generation() const noexcept override { return generation_; }
  ImageUsage usage() const override;
  BlockCount lost_blocks() const noexcept override { return BlockCount(lost_.load()); }

 private:
  [[nodiscard]] std::span<const std::byte> block(BlockIndex index) const;

  const std::vector<std::byte> content_;  // padded to whole blocks
  const TreeShape shape_;
  const ImageInfo info_;
  std::vector<bool> zero_;  // constant after construction
  BlockRange lent_{};
  std::vector<std::atomic<bool>> resident_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<unsigned> lose_on_read_{0};
  std::atomic<bool> broken_{false};
  std::function<void()> on_next_read_;
  std::atomic<bool> hooked_{false};
  std::atomic<int> whole_pack_{-1};
};

/// `size` bytes that differ from block to block and from seed to seed, with a run of zero blocks
/// in each stretch of 64 blocks.
[[nodiscard]] std::vector<std::byte> make_content(std::size_t size, std::uint64_t seed);

}  // namespace weft::testing
