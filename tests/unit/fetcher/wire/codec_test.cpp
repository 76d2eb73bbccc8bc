// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/codec.h"

#include "tests/support/fetcher/wire_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

namespace weft::fetcher::wire {
namespace {

using Bytes = std::vector<std::byte>;

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

Bytes payload_of(const Message& message) {
  const Bytes frame = encode(message, 1, Priority::demand);
  return {frame.begin() + header_size, frame.end() - trailer_size};
}

TEST(Codec, a_message_cut_short_anywhere_is_refused) {
  for (const auto& sample : testing::wire_samples()) {
    const Bytes payload = payload_of(sample.message);
    for (std::size_t size = 0; size < payload.size(); size += size < 64 ? 1 : 97) {
      const auto message = decode(std::span(payload).first(size), type_of(sample.message));
      ASSERT_FALSE(message) << sample.name << " at " << size;
      EXPECT_TRUE(message.error().is(Errc::peer_misbehaved));
    }
  }
}

TEST(Codec, bytes_left_over_are_refused) {
  for (const auto& sample : testing::wire_samples()) {
    Bytes payload = payload_of(sample.message);
    payload.push_back(std::byte{0});
    EXPECT_FALSE(decode(payload, type_of(sample.message))) << sample.name;
  }
}

TEST(Codec, unknown_types_are_refused) {
  EXPECT_FALSE(decode({}, MessageType{0}));
  EXPECT_FALSE(decode({}, MessageType{200}));
}

TEST(Codec, a_count_that_the_payload_cannot_hold_takes_no_memory) {
  // The largest counts, in payloads of a few bytes.
  const Bytes ff(100, std::byte{0xff});
  for (const MessageType type :
       {MessageType::image_list, MessageType::tree_nodes, MessageType::tree_nodes_request,
        MessageType::blocks_request, MessageType::blocks_by_digest_request,
        MessageType::block_batch, MessageType::residency, MessageType::signature_answer,
        MessageType::have_request, MessageType::have_answer, MessageType::tree_pack_request,
        MessageType::tree_pack, MessageType::swarm_answer, MessageType::profile_answer}) {
    EXPECT_FALSE(decode(ff, type)) << to_string(type);
  }
}

TEST(Codec, unknown_flags_are_refused) {
  Bytes profile = payload_of(ProfileRequest{{}, false, 1});
  profile[32] = std::byte{2};
  EXPECT_FALSE(decode(profile, MessageType::profile_request));
  Bytes batch = payload_of(BlockBatch{{}, {range(0, 1)}, {}, false, {}, true});
  batch[0] |= std::byte{4};
  EXPECT_FALSE(decode(batch, MessageType::block_batch));
  Bytes watch = payload_of(WatchResidency{});
  watch.back() = std::byte{2};
  EXPECT_FALSE(decode(watch, MessageType::watch_residency));
  Bytes pack = payload_of(TreePack{});
  pack[0] = std::byte{4};
  EXPECT_FALSE(decode(pack, MessageType::tree_pack));
}

struct OutOfBounds {
  const char* what;
  Message message;
};

std::vector<OutOfBounds> out_of_bounds() {
  const Bytes block(block_size, std::byte{1});
  const std::vector<BlockRange> many(1025, range(0, 1));
  const auto image = ImageId::from(std::span(block).first<ImageId::size>());
  const std::vector<PrefixRun> long_prefix = {{0, {1, 0, max_prefix_nodes}}, {1, {1, 0, 1}}};
  ImageSummary wrong_id;
  wrong_id.info.size = ByteCount(4096);
  std::vector<OutOfBounds> rows = {
      {"no version", Hello{0, 1, 0, {}, ""}},
      {"versions reversed", Hello{3, 2, 0, {}, ""}},
      {"control character in a name", Hello{1, 1, 0, {}, "a\nb"}},
      {"name that is not UTF-8", ImageListRequest{"\xff"}},
      {"empty name", FindImageRequest{"", BlockIndex(0)}},
      {"first read out of range", FindImageRequest{"a", BlockIndex(max_blocks_in_image)}},
      {"image id that is not of its root", ImageList{{wrong_id}, false}},
      {"no nodes", TreeNodesRequest{}},
      {"node twice", TreeNodesRequest{{}, {{1, 0}, {1, 0}}}},
      {"level 0", TreeNodesRequest{{}, {{0, 0}}}},
      {"level too high", TreeNodesRequest{{}, {{7, 0}}}},
      {"no ranges", BlocksRequest{}},
      {"empty range", BlocksRequest{{}, {range(1, 0)}}},
      {"ranges overlap", BlocksRequest{{}, {range(5, 5), range(0, 6)}}},
      {"too many blocks", BlocksRequest{{}, {range(0, max_blocks_requested + 1)}}},
      {"range past the largest image", BlocksRequest{{}, {range(max_blocks_in_image, 1)}}},
      {"range that wraps", BlocksRequest{{}, {range(~std::uint64_t{0}, 2)}}},
      {"no digests", BlocksByDigestRequest{}},
      {"batch not ascending",
       BlockBatch{{range(5, 1), range(4, 1)}, {}, {}, false, Bytes(8192), true}},
      {"batch of 33 blocks", BlockBatch{{range(0, 33)}, {}, {}, true, Bytes(10), true}},
      {"batch shorter than its ranges", BlockBatch{{range(0, 2)}, {}, {}, false, block, true}},
      {"batch longer than its ranges", BlockBatch{{}, {}, {}, false, block, true}},
      {"compression that does not save", BlockBatch{{range(0, 1)}, {}, {}, true, block, true}},
      {"compressed nothing", BlockBatch{{}, {}, {}, true, {}, true}},
      {"request 0 cancelled", Cancel{0}},
      {"raised to control", Reprioritise{1, Priority::control}},
      {"raised to nothing known", Reprioritise{1, Priority{4}}},
      {"complete, and more", Residency{{}, true, {range(0, 1)}, {}}},
      {"no packed nodes", TreePackRequest{{}, {}, {}}},
      {"base twice", TreePackRequest{image, {ImageId{}, ImageId{}}, {{1, 0, 1}}}},
      {"image as its own base", TreePackRequest{image, {image}, {{1, 0, 1}}}},
      {"nine bases", TreePackRequest{image, std::vector<ImageId>(9), {{1, 0, 1}}}},
      {"runs that touch", TreePackRequest{image, {}, {{1, 0, 1}, {1, 1, 1}}}},
      {"runs that overlap", TreePackRequest{image, {}, {{1, 0, 4}, {1, 3, 1}}}},
      {"lower level first", TreePackRequest{image, {}, {{1, 0, 1}, {2, 0, 1}}}},
      {"too many packed nodes", TreePackRequest{image, {}, {{1, 0, max_packed_nodes + 1}}}},
      {"run that wraps", TreePackRequest{image, {}, {{1, ~std::uint64_t{0}, 2}}}},
      {"pack without bytes", TreePack{false, false, {{1, 0, 1}}, {}, {}}},
      {"pack of nothing", TreePack{false, false, {}, {}, block}},
      {"nothing, and more", TreePack{true, false, {}, {}, {}}},
      {"continued without bytes", TreePack{false, true, {}, {}, {}}},
      {"continued, and nodes", TreePack{false, true, {{1, 0, 1}}, {}, block}},
      {"pack of too many nodes", TreePack{false, false, {{1, 0, max_packed_nodes + 1}}, {}, block}},
      {"prefix too long", TreePack{false, false, {{1, 0, 1}}, long_prefix, block}},
      {"base that cannot be", TreePack{false, false, {{1, 0, 1}}, {{8, {1, 0, 1}}}, block}},
      {"residency not ascending", Residency{{}, false, {range(4, 1), range(4, 1)}, {}}},
  };
  return rows;
}

std::vector<OutOfBounds> out_of_bounds_of_redundancy() {
  return {
      {"signature of no keys", SignatureRequest{{}, 0}},
      {"signature of too many keys", SignatureRequest{{}, max_signature_keys + 1}},
      {"empty part of a signature", SignatureAnswer{}},
      {"no keys", HaveRequest{5, {}}},
      {"key twice", HaveRequest{5, {7, 7}}},
      {"keys not ascending", HaveRequest{5, {8, 7}}},
      {"keys of 3 bytes", HaveRequest{3, {7}}},
      {"keys of 9 bytes", HaveRequest{9, {7}}},
      {"no bits", HaveAnswer{}},
      {"too many partners wanted", SwarmRequest{{}, 1, false, max_swarm_partners + 1}},
      {"profile of no entries", ProfileRequest{}},
      {"profile of too many entries", ProfileRequest{{}, false, max_entries_asked + 1}},
      {"empty part of a profile", ProfileAnswer{}},
      {"slot of nobody", SwarmAnswer{true, 3, 3, {}}},
      {"slot among none", SwarmAnswer{true, 0, 1, {}}},
      {"partner without an address", SwarmAnswer{true, 2, 1, {{}}}},
      {"too many partners", SwarmAnswer{true, 2, 1, std::vector<SwarmPartner>(33, {{}, "a:1"})}},
  };
}

// Such a frame cannot be made from a message: the key's upper bytes have no place in it.
TEST(Codec, a_key_longer_than_its_request_says_is_refused_before_it_is_sent) {
  EXPECT_FALSE(check(HaveRequest{4, {std::uint64_t{1} << 32}}));
  EXPECT_TRUE(check(HaveRequest{5, {std::uint64_t{1} << 32}}));
  EXPECT_TRUE(check(HaveRequest{8, {0, ~std::uint64_t{0}}}));
}

TEST(Codec, bits_that_stand_for_no_key_are_refused) {
  Bytes answer = payload_of(HaveAnswer{{true, false, true}});
  answer.back() |= std::byte{8};
  EXPECT_FALSE(decode(answer, MessageType::have_answer));
}

TEST(Codec, what_is_out_of_bounds_is_refused_by_both_sides) {
  std::vector<OutOfBounds> rows = out_of_bounds();
  std::ranges::move(out_of_bounds_of_redundancy(), std::back_inserter(rows));
  for (const OutOfBounds& row : rows) {
    const auto checked = check(row.message);
    ASSERT_FALSE(checked) << row.what;
    EXPECT_TRUE(checked.error().is(Errc::bad_request));
    EXPECT_FALSE(decode(payload_of(row.message), type_of(row.message))) << row.what;
  }
}

TEST(Codec, what_is_at_its_bound_is_accepted) {
  std::vector<BlockRange> ranges;
  for (std::uint64_t i = 0; i < max_ranges; ++i)
    ranges.push_back(range(8 * i, 4));
  BlocksRequest request{{}, ranges};
  EXPECT_TRUE(check(request));
  std::vector<TreeNode> nodes;
  for (std::uint64_t i = 0; i < max_nodes; ++i)
    nodes.push_back({1, i});
  std::vector<NodeRun> scattered;
  for (std::uint64_t i = 0; i < max_node_runs; ++i)
    scattered.push_back({1, 2 * i, 1});
  const std::vector<PrefixRun> prefix(max_node_runs, {7, {1, 5, max_prefix_nodes / max_node_runs}});
  const std::string name(max_name, 'x');
  TreeNodes many;
  many.nodes.resize(max_nodes_in_frame);
  for (std::size_t i = 0; i < many.nodes.size(); ++i)
    many.nodes[i].node = {1, i};
  HaveRequest have{8, std::vector<std::uint64_t>(max_have_keys)};
  std::iota(have.keys.begin(), have.keys.end(), ~std::uint64_t{0} - max_have_keys);
  const std::vector<Message> messages = {
      SignatureRequest{{}, max_signature_keys},
      SignatureAnswer{true, Bytes(max_signature_part)},
      ProfileRequest{{}, true, max_entries_asked},
      ProfileAnswer{true, Bytes(max_profile_part)},
      have,
      HaveAnswer{std::vector<bool>(max_have_keys, true)},
      request,
      TreeNodesRequest{{}, nodes},
      BlocksByDigestRequest{std::vector<Digest>(max_digests)},
      Hello{1, 0xffff, 0, {}, name},
      Failure{0, std::string(max_failure_message, 'x')},
      many,
      BlockBatch{{range(0, 32)}, {}, {}, false, Bytes(32 * block_size), true},
      TreePackRequest{{}, {}, scattered},
      TreePack{true, false, scattered, prefix, Bytes(max_pack_piece)},
      SwarmAnswer{true, 2, 1, std::vector<SwarmPartner>(max_swarm_partners, {{}, name})},
  };
  for (const Message& message : messages) {
    const Bytes frame = encode(message, 1, Priority::demand);
    EXPECT_LE(frame.size(), header_size + max_payload_of(type_of(message)) + trailer_size);
    const auto decoded = decode(payload_of(message), type_of(message));
    ASSERT_TRUE(decoded) << to_string(type_of(message));
    EXPECT_EQ(*decoded, message);
  }
}

}  // namespace
}  // namespace weft::fetcher::wire
