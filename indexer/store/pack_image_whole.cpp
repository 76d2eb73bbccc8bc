// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <string>
#include <vector>

// A pack that is the image by itself: what the kernel may serve without asking anybody.
namespace weft {
namespace {

/// Of data in one step; also what one call of `store_blocks` takes.
constexpr BlockCount step_blocks(tree_fanout);
/// Of zeros: where the file system cannot tell holes, they are read.
constexpr BlockCount step_hole(16 * tree_fanout);

}  // namespace

int PackImage::whole_pack() const noexcept {
  const std::uint64_t at = whole_at_.load(std::memory_order_acquire);
  if (at == not_whole || at != lost_.load(std::memory_order_acquire)) return -1;
  return pack_->own().descriptor();
}

Result<void> PackImage::clone_into(File& file) {
  const ResidencyMap& map = pack_->map;
  for (BlockRange rest = all_blocks(); !rest.empty();) {
    const auto run = map.leading_run(rest);
    if (run.place != Place::own && run.place != Place::zero) {
      return fail(Errc::unsupported, Operation::write, "not all of the image is in its pack");
    }
    rest = BlockRange::between(run.range.end(), rest.end());
  }
  return file.clone_from(pack_->own(), {ByteOffset(0), bytes_of(all_blocks().count)});
}

// The pack must end where the image does: the kernel would give its last bytes to readers.
Result<void> PackImage::begin_whole() {
  whole_at_.store(not_whole, std::memory_order_release);
  whole_began_ = lost_.load();
  if (in_place()) {
    return fail(Errc::unsupported, Operation::verify,
                "an image in place is compared on every read: its owner may change the file");
  }
  WEFT_TRY(const FileStat stat, pack_->own().stat());
  if (stat.size == row_.info.size) return {};
  return fail(Errc::unsupported, Operation::verify,
              "the image's size is not a multiple of " + std::to_string(block_size));
}

Result<BlockRange> PackImage::make_whole(BlockRange rest) {
  rest = intersect(rest, all_blocks());
  if (rest.first == BlockIndex(0)) WEFT_CHECK(begin_whole());
  if (!rest.empty()) {
    auto [place, run] = pack_->map.leading_run(rest);
    run.count = std::min(run.count, place == Place::zero ? step_hole : step_blocks);
    switch (place) {
      case Place::own:
        WEFT_CHECK(compare_own(run));
        break;
      case Place::borrowed:
        WEFT_CHECK(copy_borrowed(run));
        break;
      case Place::zero:
        WEFT_CHECK(clear_zero(run));
        break;
      case Place::source:
      case Place::missing:
        return fail(Errc::not_resident, Operation::verify,
                    "block " + std::to_string(run.first.value()));
    }
    rest = BlockRange::between(run.end(), rest.end());
  }
  // Whatever was lost since the pass began may have been lost behind it.
  if (rest.empty() && lost_.load() == whole_began_) {
    whole_at_.store(whole_began_, std::memory_order_release);
  }
  return rest;
}

Result<void> PackImage::compare_own(BlockRange blocks) {
  if (pack_->map.checked.contains_all(blocks)) return {};
  std::vector<std::byte> bytes(bytes_of(blocks.count).value());
  return read_run(Place::own, blocks.first, bytes);
}

Result<void> PackImage::copy_borrowed(BlockRange blocks) {
  const Writing writing(*this);
  WEFT_CHECK(writing.start());
  std::vector<std::byte> bytes(bytes_of(blocks.count).value());
  WEFT_CHECK(read_run(Place::borrowed, blocks.first, bytes));
  WEFT_CHECK(store_blocks(blocks.first, bytes));
  pack_->map.borrowed.erase(blocks);
  return {};
}

// A block that failed its check where the tree says zero has left its bytes in the pack.
Result<void> PackImage::clear_zero(BlockRange blocks) {
  File& file = pack_->own();
  for (ByteOffset at = offset_of(blocks.first); at < offset_of(blocks.end());) {
    WEFT_TRY(const auto data, file.next_data(at));
    if (!data) break;
    const BlockRange found = intersect(blocks_touched(data->offset, data->length), blocks);
    for (BlockIndex block = found.first; block < found.end(); ++block) {
      NodeBytes bytes;
      WEFT_CHECK(pack_->read_blocks(Place::own, block, bytes));
      if (is_all_zero(bytes)) continue;
      WEFT_CHECK(file.write_at(offset_of(block), NodeBytes{}));
    }
    at = data->offset + data->length;
  }
  return {};
}

}  // namespace weft
