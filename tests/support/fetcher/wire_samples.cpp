// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/wire_samples.h"

#include "fetcher/wire/codec.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace weft::fetcher::testing {
namespace {

using wire::Priority;

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

// Bytes first, first + 1, ….
template <class Id>
Id counted(std::uint8_t first) {
  Id id;
  for (std::uint8_t& byte : id.bytes)
    byte = first++;
  return id;
}

wire::ImageSummary summary(std::string name, std::uint64_t size, bool complete) {
  const Digest root = counted<Digest>(0x40);
  const ImageInfo info{make_image_id(ByteCount(size), root), ByteCount(size), root};
  return {.name = std::move(name),
          .info = info,
          .available = complete ? blocks_for(info.size) : BlockCount(1),
          .complete = complete};
}

wire::TreeNodes nodes(TreeNode node, std::byte fill, bool more) {
  NodeBytes bytes;
  bytes.fill(fill);
  return {.nodes = {{node, bytes}}, .more = more};
}

wire::BlockBatch plain_batch() {
  return {.ranges = {range(5, 1)},
          .zero = {range(0, 2), range(7, 3)},
          .absent = {range(3, 1)},
          .compressed = false,
          .packed = std::vector<std::byte>(block_size, std::byte{0x5a}),
          .last = true};
}

// One raw zstd frame made by hand, so that the vector does not depend on zstd's release: magic,
// single-segment header with a content size of 8192, one last RLE block of 8192 times 0x5a.
wire::BlockBatch compressed_batch() {
  constexpr std::array<std::uint8_t, 11> frame = {0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00,
                                                  0x1f, 0x03, 0x00, 0x01, 0x5a};
  wire::BlockBatch batch{.ranges = {range(10, 2)},
                         .zero = {},
                         .absent = {},
                         .compressed = true,
                         .packed = std::vector<std::byte>(frame.size()),
                         .last = false};
  std::ranges::transform(frame, batch.packed.begin(), [](std::uint8_t b) { return std::byte{b}; });
  return batch;
}

wire::TreePack first_piece() {
  return {.more = true,
          .continued = false,
          .nodes = {{1, 300, 2}},
          .prefix = {{0, {1, 290, 30}}, {0, {1, 4, 1}}},
          .bytes = std::vector<std::byte>(5, std::byte{0x33})};
}

// Bytes 0, 1, ….
std::vector<std::byte> sequence(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

}  // namespace

std::vector<WireSample> wire_samples() {
  const auto image = counted<ImageId>(0x80);
  return {
      {"hello", wire::Hello{1, 1, 0, counted<NodeId>(0x10), "node-a"}},
      {"hello_later_version", wire::Hello{1, 3, 0x8000000000000005, counted<NodeId>(0x10), ""}},
      {"failure", wire::Failure{2, "no image of this name"}, 7},
      {"failure_closing", wire::Failure{8, ""}},
      {"ping", wire::Ping{0x0123456789abcdef}},
      {"pong", wire::Pong{0x0123456789abcdef}},
      {"cancel", wire::Cancel{7}},
      {"reprioritise", wire::Reprioritise{7, Priority::demand}},
      {"image_list_request", wire::ImageListRequest{""}, 1},
      {"image_list_request_after", wire::ImageListRequest{"deb12"}, 2},
      {"image_list",
       wire::ImageList{{summary("deb12", 8192, true), summary("deb13", 5000, false)}, true}, 1},
      {"find_image_request", wire::FindImageRequest{"deb12", BlockIndex(0)}, 3},
      {"image_found",
       wire::ImageFound{summary("deb12", 8192, true), nodes({1, 0}, std::byte{1}, false)}, 3},
      {"tree_nodes_request", wire::TreeNodesRequest{image, {{2, 0}, {1, 300}}}, 4,
       Priority::demand},
      {"tree_nodes", nodes({1, 300}, std::byte{2}, true), 4, Priority::demand},
      {"blocks_request", wire::BlocksRequest{image, {range(4096, 32), range(0, 10)}}, 5,
       Priority::demand},
      {"blocks_by_digest_request", wire::BlocksByDigestRequest{{counted<Digest>(0), Digest{}}}, 6,
       Priority::prefetch},
      {"block_batch_plain", plain_batch(), 5, Priority::demand},
      {"block_batch_zstd", compressed_batch(), 5, Priority::prefetch},
      {"block_batch_empty", wire::BlockBatch{{}, {range(0, 10)}, {}, false, {}, true}, 5,
       Priority::readahead},
      {"watch_residency", wire::WatchResidency{image, true}, 8},
      {"unwatch_residency", wire::WatchResidency{image, false}},
      {"residency", wire::Residency{image, false, {range(0, 4), range(8, 1)}, {range(5, 1)}}, 8,
       Priority::readahead},
      {"residency_complete", wire::Residency{image, true, {}, {}}, 8, Priority::readahead},
      {"tree_pack_request",
       wire::TreePackRequest{image, {counted<ImageId>(0xa0)}, {{2, 0, 1}, {1, 300, 40}}}, 9,
       Priority::prefetch},
      {"tree_pack_request_without_bases", wire::TreePackRequest{image, {}, {{1, 7, 1}}}, 9,
       Priority::demand},
      {"tree_pack", first_piece(), 9, Priority::prefetch},
      {"tree_pack_continued",
       wire::TreePack{false, true, {}, {}, std::vector<std::byte>(3, std::byte{0x5a})}, 9,
       Priority::prefetch},
      {"tree_pack_empty", wire::TreePack{}, 9, Priority::prefetch},
      {"signature_request", wire::SignatureRequest{image, 4096}, 9, Priority::prefetch},
      {"signature_answer", wire::SignatureAnswer{true, sequence(5)}, 9, Priority::prefetch},
      {"have_request", wire::HaveRequest{5, {0x01, 0x0102030405, 0xffffffffff}}, 10,
       Priority::readahead},
      {"have_answer", wire::HaveAnswer{{true, false, false, false, true, false, false, true, true}},
       10, Priority::readahead},
      {"swarm_request", wire::SwarmRequest{image, 7440, true, 16}, 11, Priority::readahead},
      {"swarm_answer", wire::SwarmAnswer{true, 3, 1, {{counted<NodeId>(0x20), "10.0.0.7:7440"}}},
       11, Priority::readahead},
      {"swarm_answer_alone", wire::SwarmAnswer{}, 11, Priority::readahead},
      {"profile_request", wire::ProfileRequest{image, true, 65536}, 12, Priority::readahead},
      {"profile_answer", wire::ProfileAnswer{true, sequence(5)}, 12, Priority::readahead},
  };
}

}  // namespace weft::fetcher::testing
