// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/integration/fetcher/lying_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

// What the tree of an image costs where relatives of it are: bytes counted at the server, in both
// directions, apart from the content of blocks, which does not compress here.
namespace weft::fetcher::testing {
namespace {

using test::SampleImage;

constexpr std::uint64_t block_count = 12'288;  // 97 nodes
constexpr std::uint64_t plain_tree = 97 * block_size;
constexpr std::uint64_t digest_size_on_wire = 32;

/// Runs of the blocks of `base` at other places, and one block in twenty that it does not have.
SampleImage rearranged(const SampleImage& base, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::uint64_t blocks = base.blocks().value();
  std::vector<std::byte> bytes;
  for (std::uint64_t at = 0; at < blocks;) {
    const std::uint64_t run = std::min(blocks - at, 1 + random() % 95);
    const std::uint64_t from = random() % (blocks - run);
    const auto known = base.block(from, run);
    bytes.insert(bytes.end(), known.begin(), known.end());
    at += run;
  }
  for (std::uint64_t at = 0; at < blocks; at += 20)
    test::fill_random(std::span(bytes).subspan(at * block_size, block_size), seed + at + 1);
  return SampleImage(std::move(bytes));
}

class TreeTransfer : public ::testing::Test {
 protected:
  /// The image at the origin; its relative there too, if it `knows` it, and at the target.
  void set_up(bool origin_knows) {
    if (origin_knows) hold(origin, "base", base);
    hold(origin, "disk", image);
    hold(target, "base", base);
    origin.serve();
    target.fetcher().add_peer(origin.address());
  }
  static void hold(LoopbackNode& node, const std::string& name, const SampleImage& image) {
    node.hold(name, image);
    ASSERT_TRUE(node.store().flush());
  }
  /// Materializes; returns what crossed the link beside the content of blocks.
  std::uint64_t transfer() {
    const auto local = target.adopt("disk");
    if (!local) ADD_FAILURE() << local.error().message();
    if (!local) return 0;
    const MaterializeProgress progress = target.materialize(*local);
    EXPECT_EQ(progress.state, JobState::done) << progress.note;
    expect_equal(**local, image);
    const PeerServerStats served = origin.served();
    sent_blocks = served.blocks_sent;
    return served.bytes_sent + served.bytes_received - bytes_of(BlockCount(sent_blocks)).value();
  }

  const SampleImage base{test::random_blocks(BlockCount(block_count), 1)};
  SampleImage image{rearranged(base, 2)};
  LoopbackNode origin{"origin"};
  LoopbackNode target{"target"};
  std::uint64_t sent_blocks = 0;
};

TEST_F(TreeTransfer, digests_of_a_relative_at_other_places_cost_little) {
  set_up(true);
  const std::uint64_t beside = transfer();
  const std::uint64_t fresh = block_count / 20 + 1;
  EXPECT_LE(sent_blocks, fresh + 1);
  RecordProperty("beside", static_cast<int>(beside));
  // The new digests, those of the nodes themselves, and a match for each of some 860 runs.
  EXPECT_LE(beside, fresh * digest_size_on_wire + plain_tree / 8) << beside;
}

TEST_F(TreeTransfer, where_the_server_lacks_the_relative_the_tree_comes_without) {
  set_up(false);
  const std::uint64_t beside = transfer();
  // Blocks that the image has twice make it a little less.
  EXPECT_GT(beside, plain_tree * 3 / 4);
  EXPECT_LE(beside, plain_tree * 5 / 4);
}

TEST_F(TreeTransfer, without_a_relative_here_it_does_too) {
  hold(origin, "disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  EXPECT_LE(transfer(), plain_tree * 5 / 4);
  // Blocks that the image has twice need not come twice.
  const std::set<Digest> distinct(image.digests.begin(), image.digests.end());
  EXPECT_GE(sent_blocks, distinct.size());
}

TEST_F(TreeTransfer, a_few_changed_blocks_cost_their_paths_and_no_more) {
  std::vector<std::byte> bytes = base.bytes;
  for (const std::uint64_t block : {700u, 701u, 9000u})
    test::fill_random(std::span(bytes).subspan(block * block_size, block_size), 77 + block);
  image = SampleImage(std::move(bytes));
  set_up(true);
  const std::uint64_t beside = transfer();
  EXPECT_EQ(sent_blocks, 3U);
  RecordProperty("beside", static_cast<int>(beside));
  // Nearly all of it is the signature, and the path that comes with the answer to a search.
  EXPECT_LE(beside, 32'000u) << beside;
}

TEST_F(TreeTransfer, a_read_takes_what_it_can_of_its_path_from_a_relative) {
  std::vector<std::byte> bytes = base.bytes;
  test::fill_random(std::span(bytes).subspan(700 * block_size, block_size), 77);
  image = SampleImage(std::move(bytes));
  set_up(true);
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  target.fetcher().attach(*local);
  // As soon as the relative is known, a leaf that is the same there brings its blocks with it: each
  // read is of another leaf.
  std::uint64_t block = 1000;
  ASSERT_TRUE(LoopbackNode::eventually([&] {
    block += tree_fanout;
    const PeerServerStats before = origin.served();
    if (block >= block_count || !target.read(*local, {BlockIndex(block), BlockCount(1)}))
      return false;
    return origin.served().bytes_received == before.bytes_received;
  }));
  EXPECT_TRUE((*local)->readable({BlockIndex(block), BlockCount(1)}));
  target.fetcher().detach(image.info.id);
}

TEST_F(TreeTransfer, a_false_signature_costs_at_most_the_tree_and_never_a_wrong_byte) {
  LoopbackNode liar("liar",
                    [this](Store& truth) { return make_misleading_store(truth, base.info.id); });
  image = SampleImage(test::random_blocks(BlockCount(block_count), 5));
  hold(liar, "base", base);
  hold(liar, "disk", image);
  hold(target, "base", base);
  liar.serve();
  target.fetcher().add_peer(liar.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  ASSERT_TRUE(LoopbackNode::eventually([&] {
    const auto believed = target.store().relatives(image.info.id);
    return believed && believed->size() == 1 && believed->front().image == base.info.id;
  }));
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_TRUE(target.fetcher().peers().front().banned_for.empty()) << "a hint is no lie";
  const PeerServerStats served = liar.served();
  EXPECT_EQ(served.blocks_sent, block_count) << "nothing of it is here, whatever was said";
  EXPECT_LE(served.bytes_sent,
            bytes_of(BlockCount(block_count)).value() * 21 / 20 + plain_tree * 2);
}

TEST_F(TreeTransfer, a_signature_of_a_later_version_is_ignored_and_the_transfer_goes_on) {
  int answers = 0;
  origin.alter = [&answers](wire::Message& message) {
    auto* const answer = std::get_if<wire::SignatureAnswer>(&message);
    if (answer == nullptr) return;
    ++answers;
    answer->part.at(8) = std::byte{2};  // the version, in the first part
  };
  set_up(true);
  const std::uint64_t beside = transfer();
  EXPECT_TRUE(target.fetcher().peers().front().banned_for.empty());
  EXPECT_LE(sent_blocks, block_count / 20 + 2) << "what is here is not sent all the same";
  // With the signature it would be an eighth.
  EXPECT_GT(beside, plain_tree * 3 / 4);
  EXPECT_LE(beside, plain_tree * 5 / 4);
  origin.stop_serving();
  EXPECT_GT(answers, 0) << "it was asked";
}

TEST_F(TreeTransfer, a_lying_prefix_costs_the_liar_its_part_and_nobody_a_wrong_byte) {
  LoopbackNode liar("liar", [this](Store& truth) {
    return make_lying_store(truth, {}, [this](const ImageId& id, TreeNode, NodeBytes& bytes) {
      if (id == base.info.id) std::ranges::rotate(bytes, bytes.begin() + Digest::size);
    });
  });
  hold(liar, "base", base);
  hold(liar, "disk", image);
  hold(target, "base", base);
  liar.serve();
  target.fetcher().add_peer(liar.address());
  // The liar has the image and would give its blocks: it is the tree that nobody believes.
  ASSERT_TRUE(target.store().learn_signature(
      liar.store().signature(image.info.id, LoopbackNode::signature_keys).value()));
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  ASSERT_TRUE(LoopbackNode::eventually(
      [&] { return !target.fetcher().peers().front().banned_for.empty(); }));
  hold(origin, "base", base);
  hold(origin, "disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  ASSERT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::done);
  expect_equal(**local, image);
}

}  // namespace
}  // namespace weft::fetcher::testing
