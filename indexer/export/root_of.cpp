// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/root_of.h"

#include "indexer/core/hash.h"
#include "indexer/core/range.h"
#include "indexer/tree/tree_builder.h"

#include <algorithm>
#include <vector>

namespace weft {
namespace {

constexpr BlockCount piece_blocks(256);

class RootHasher {
 public:
  explicit RootHasher(BlockSource& content)
      : content_(content),
        builder_(content.size(), [](TreeNode, const NodeBytes&) { return Result<void>{}; }),
        bytes_(bytes_of(piece_blocks).value()),
        digests_(piece_blocks.value()) {}

  [[nodiscard]] BlockIndex position() const { return builder_.position(); }
  [[nodiscard]] ByteCount hashed() const { return hashed_; }

  Result<void> skip_to(BlockIndex block) {
    if (block <= position()) return {};
    return builder_.append_zero(block - position());
  }

  /// The next `count` blocks, at most a piece.
  Result<void> hash(BlockCount count) {
    const ByteOffset at = offset_of(position());
    const auto whole = std::span(bytes_).first(bytes_of(count).value());
    const std::size_t inside =
        std::min<std::uint64_t>(whole.size(), content_.size().value() - at.value());
    std::ranges::fill(whole.subspan(inside), std::byte{0});
    WEFT_CHECK(content_.read(at, whole.first(inside)));
    const auto digests = std::span(digests_).first(count.value());
    digests_of_blocks(whole, digests);
    hashed_ += ByteCount(inside);
    return builder_.append(digests);
  }

  Result<Digest> finish() {
    WEFT_CHECK(skip_to(BlockIndex(builder_.shape().blocks().value())));
    return builder_.finish();
  }

 private:
  BlockSource& content_;
  TreeBuilder builder_;
  std::vector<std::byte> bytes_;
  std::vector<Digest> digests_;
  ByteCount hashed_;
};

}  // namespace

Result<HashedContent> root_of(BlockSource& content, const OnHashed& progress,
                              const std::stop_token& stop) {
  RootHasher hasher(content);
  const BlockIndex end(blocks_for(content.size()).value());
  for (ByteOffset from(0);;) {
    WEFT_TRY(const auto data, content.next_data(from));
    if (!data) break;
    const BlockRange blocks = blocks_touched(data->offset, data->length);
    const BlockIndex last = std::min(blocks.end(), end);
    WEFT_CHECK(hasher.skip_to(blocks.first));
    while (hasher.position() < last) {
      if (stop.stop_requested()) return fail(Errc::cancelled, Operation::verify);
      WEFT_CHECK(hasher.hash(std::min(piece_blocks, last - hasher.position())));
      if (progress)
        progress(std::min(content.size(), ByteCount(offset_of(hasher.position()).value())));
    }
    from = data->offset + data->length;
  }
  WEFT_TRY(const Digest root, hasher.finish());
  return HashedContent{root, hasher.hashed()};
}

}  // namespace weft
