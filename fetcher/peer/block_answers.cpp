// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer.h"
#include "fetcher/peer/batch_builder.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

// Blocks looked at for one frame: bounds the time a worker spends where nearly all blocks are zero
// or absent, and with it the number of ranges in the frame.
constexpr std::uint64_t blocks_per_part = wire::max_ranges;

/// Blocks of an image by range, in the order asked for.
class ImageBlocks final : public Answer {
 public:
  ImageBlocks(Store& store, wire::BlocksRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int level) override {
    if (image_ == nullptr) WEFT_CHECK(open());
    std::uint64_t looked_at = 0;
    while (at_ < request_.ranges.size() && builder_.room() > 0 && looked_at < blocks_per_part) {
      BlockRange& rest = request_.ranges[at_];
      const BlockCount taken = add(
          {rest.first, std::min(rest.count, BlockCount(blocks_per_part) - BlockCount(looked_at))});
      looked_at += taken.value();
      rest = BlockRange::between(rest.first + taken, rest.end());
      if (rest.empty()) ++at_;
    }
    return builder_.finish(level, at_ == request_.ranges.size());
  }

 private:
  Result<void> open() {
    WEFT_TRY(image_, store_.image(request_.image));
    const BlockCount total = image_->shape().blocks();
    for (const BlockRange& range : request_.ranges) {
      if (range.end() > BlockIndex(total.value())) {
        return fail(Errc::bad_request, Operation::read,
                    "block " + std::to_string((range.end() - BlockCount(1)).value()) +
                        " is past the end of the image, which has " +
                        std::to_string(total.value()) + " blocks");
      }
    }
    return {};
  }

  // Answers the first run of equal kind at the front of `blocks`; returns its length, at least 1.
  BlockCount add(BlockRange blocks) {
    const auto data = image_->next_data(blocks);
    const BlockIndex zero_end = data ? data->first : blocks.end();
    if (zero_end > blocks.first) {
      builder_.add_zero(BlockRange::between(blocks.first, zero_end));
      return zero_end - blocks.first;
    }
    const BlockRange run = intersect(*data, blocks);
    const auto missing = image_->next_missing(run);
    if (missing && missing->first == run.first) {
      builder_.add_absent(*missing);
      return missing->count;
    }
    const BlockCount readable = (missing ? missing->first : run.end()) - run.first;
    return add_data({run.first, std::min(readable, BlockCount(builder_.room()))});
  }

  BlockCount add_data(BlockRange run) {
    if (image_->read(offset_of(run.first), builder_.add_data(run))) return run.count;
    builder_.drop_data();
    if (run.count > BlockCount(1)) return add_data({run.first, BlockCount(1)});
    // Not readable after all: it has failed its check just now, or the disk failed.
    builder_.add_absent(run);
    return run.count;
  }

  Store& store_;
  wire::BlocksRequest request_;
  std::shared_ptr<LocalImage> image_;
  std::size_t at_ = 0;
  BatchBuilder builder_;
};

/// Blocks by digest; in the batches they are named by their position in the request.
class BlocksByDigest final : public Answer {
 public:
  BlocksByDigest(Store& store, wire::BlocksByDigestRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int level) override {
    const std::size_t end = std::min<std::size_t>(request_.digests.size(), at_ + blocks_per_part);
    for (; at_ < end && builder_.room() > 0; ++at_)
      add(request_.digests[at_]);
    return builder_.finish(level, at_ == request_.digests.size());
  }

 private:
  void add(const Digest& digest) {
    const BlockRange position{BlockIndex(at_), BlockCount(1)};
    if (digest.is_zero()) return builder_.add_zero(position);
    if (store_.read_by_digest(digest, builder_.add_data(position))) return;
    builder_.drop_data();
    builder_.add_absent(position);
  }

  Store& store_;
  wire::BlocksByDigestRequest request_;
  std::size_t at_ = 0;
  BatchBuilder builder_;
};

}  // namespace

std::unique_ptr<Answer> answer_blocks(Store& store, wire::BlocksRequest request) {
  return std::make_unique<ImageBlocks>(store, std::move(request));
}

std::unique_ptr<Answer> answer_blocks_by_digest(Store& store, wire::BlocksByDigestRequest request) {
  return std::make_unique<BlocksByDigest>(store, std::move(request));
}

}  // namespace weft::fetcher
