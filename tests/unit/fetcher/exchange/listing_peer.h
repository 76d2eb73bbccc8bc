// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/peer_session.h"
#include "indexer/tree/image_id.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weft::fetcher::testing {

/// A signature of `blocks` distinct blocks that follow from `seed`.
[[nodiscard]] inline Signature made_signature(const ImageId& image, std::size_t blocks,
                                              std::uint64_t seed = 1) {
  Signature signature{.image = image, .unique_blocks = BlockCount(blocks), .keys = {}};
  const std::uint64_t step = ~std::uint64_t{0} / (blocks + 1);
  for (std::uint64_t i = 0; i < blocks; ++i)
    signature.keys.push_back(i * step + (seed * 7919 + i * 104'729) % step);
  return signature;
}

/// A session with a peer that has images and their signatures, and nothing else.
class ListingPeer final : public PeerSession {
 public:
  ListingPeer(std::string name, std::uint8_t node) {
    hello_.name = std::move(name);
    hello_.node.bytes[0] = node;
  }

  /// An image of this many distinct blocks; returns its id.
  ImageId add(const std::string& name, std::uint8_t number, std::size_t blocks) {
    const ByteCount size(blocks * block_size);
    const Digest root{{number}};
    const ImageId id = make_image_id(size, root);
    list.push_back({.name = name,
                    .info = {.id = id, .size = size, .root = root},
                    .available = BlockCount(blocks),
                    .complete = true});
    signatures[id] = made_signature(id, blocks, number);
    return id;
  }

  std::vector<wire::ImageSummary> list;
  std::map<ImageId, Signature> signatures;
  std::map<ImageId, Errc> failures;  ///< instead of a signature
  std::optional<Errc> failure;       ///< instead of anything
  // What it was asked.
  std::size_t lists = 0;
  std::vector<std::pair<ImageId, wire::Priority>> asked;

  [[nodiscard]] const wire::Hello& remote() const noexcept override { return hello_; }
  [[nodiscard]] LinkEstimate link() const noexcept override { return {}; }
  Awaitable<Result<std::vector<wire::ImageSummary>>> images(TimePoint) override {
    ++lists;
    if (failure) co_return fail(*failure, Operation::receive);
    co_return list;
  }
  Awaitable<Result<Signature>> signature(ImageId image, std::uint32_t max_keys,
                                         wire::Priority priority, TimePoint) override {
    asked.emplace_back(image, priority);
    if (failure) co_return fail(*failure, Operation::receive);
    if (const auto wrong = failures.find(image); wrong != failures.end()) {
      co_return fail(wrong->second, Operation::receive);
    }
    const auto found = signatures.find(image);
    if (found == signatures.end()) co_return fail(Errc::unknown_image, Operation::receive);
    co_return sampled(found->second, max_keys);
  }

  // --- Not asked for here.
  Awaitable<Result<wire::ImageFound>> find_image(std::string, BlockIndex, TimePoint) override {
    co_return fail(Errc::unknown_image, Operation::receive);
  }
  Awaitable<Result<wire::TreeNodes>> tree_nodes(ImageId, std::vector<TreeNode>, wire::Priority,
                                                TimePoint) override {
    co_return fail(Errc::unknown_image, Operation::receive);
  }
  RequestId blocks(ImageId, std::vector<BlockRange>, wire::Priority, OnBatch) override {
    return {};
  }
  RequestId blocks_by_digest(std::vector<Digest>, wire::Priority, OnBatch) override { return {}; }
  void reprioritise(RequestId, wire::Priority) override {}
  void cancel(RequestId) override {}
  void watch_residency(ImageId, OnResidency) override {}
  void unwatch_residency(ImageId) override {}
  void on_closed(OnClosed) override {}
  void close() override {}

 private:
  wire::Hello hello_;
};

}  // namespace weft::fetcher::testing
