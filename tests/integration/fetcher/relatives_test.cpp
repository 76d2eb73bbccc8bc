// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/integration/fetcher/lying_store.h"
#include "tests/support/tools/running_relay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace weft::fetcher::testing {
namespace {

using test::SampleImage;
using weft::testing::RunningRelay;

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// `image` with every block that is not `shared` replaced.
SampleImage relative(const SampleImage& image, std::uint64_t seed,
                     const std::function<bool(std::uint64_t)>& shared) {
  std::vector<std::byte> bytes = test::random_blocks(image.blocks(), seed);
  for (std::uint64_t i = 0; i < image.blocks().value(); ++i) {
    if (shared(i)) {
      std::ranges::copy(image.block(i),
                        bytes.begin() + static_cast<std::ptrdiff_t>(i * block_size));
    }
  }
  return SampleImage(std::move(bytes));
}

bool seven_of_ten(std::uint64_t i) {
  return i % 10 < 7;
}

/// Holds `image` under `name` so that peers find its blocks by digest.
void hold_indexed(LoopbackNode& node, const std::string& name, const SampleImage& image) {
  node.hold(name, image);
  ASSERT_TRUE(node.store().flush());
  node.serve();
}

FetchSources sources_of(LoopbackNode& node, const SampleImage& image) {
  for (const ImageFetchStatus& status : node.fetcher().statistics().images) {
    if (status.image == image.info.id) return status.sources;
  }
  return {};
}

/// The image is on a slow link, a relative of it on a fast one.
class SlowOrigin : public ::testing::Test {
 protected:
  SlowOrigin() {
    hold_indexed(origin, "disk", image);
    hold_indexed(near, "relative", relative(image, 2, seven_of_ten));
    relay = std::make_unique<RunningRelay>(
        weft::testing::RelayOptions{.listen = "127.0.0.1:0",
                                    .target = origin.address(),
                                    .round_trip = std::chrono::milliseconds(10),
                                    .bits_per_second = 20'000'000});
    target.fetcher().add_peer(relay->address());
  }

  const SampleImage image{test::random_blocks(BlockCount(3000), 1)};
  LoopbackNode origin{"origin"};
  LoopbackNode near{"near"};
  std::unique_ptr<RunningRelay> relay;
  LoopbackNode target{"target"};
};

TEST_F(SlowOrigin, shared_blocks_come_from_the_near_relative_and_the_rest_from_the_origin) {
  target.fetcher().add_peer(near.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_GT(near.served().blocks_sent, 1050U) << "half of the shared blocks at least";
  EXPECT_GE(origin.served().blocks_sent, 900U);
  EXPECT_EQ(near.served().blocks_sent + origin.served().blocks_sent, 3000U) << "nothing came twice";
  const FetchSources sources = sources_of(target, image);
  EXPECT_EQ(sources.by_digest, bytes_of(BlockCount(near.served().blocks_sent)));
  EXPECT_GT(sources.have_queries, 0U);
  EXPECT_LT(sources.have_bytes, ByteCount(3000 * 8));
}

TEST_F(SlowOrigin, when_the_origin_dies_the_relatives_blocks_arrive_and_the_rest_waits) {
  target.fetcher().add_peer(near.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  // The whole tree is here before the first block is wanted: 24 leaves come together.
  ASSERT_TRUE(
      LoopbackNode::eventually([&] { return (*local)->usage().resident > BlockCount(50); }));
  relay->command("down");
  const auto shared_here = [&] {
    for (std::uint64_t i = 0; i < 3000; i += 10) {
      if (!(*local)->readable(blocks(i, 7))) return false;
    }
    return true;
  };
  EXPECT_TRUE(LoopbackNode::eventually(shared_here));
  EXPECT_TRUE(LoopbackNode::eventually([&] { return job->progress().state == JobState::waiting; }));
  relay->command("up");
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::done);
  expect_equal(**local, image);
}

TEST_F(SlowOrigin, a_peer_that_knows_no_have_queries_is_of_no_use_and_no_harm) {
  near.stop_serving();
  near.features = 0;
  near.serve();
  target.fetcher().add_peer(near.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_EQ(near.served().blocks_sent, 0U);
}

TEST_F(SlowOrigin, a_liar_only_makes_it_slower) {
  LoopbackNode liar("liar", [](Store& truth) { return make_boasting_store(truth); });
  liar.serve();
  target.fetcher().add_peer(liar.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_EQ(liar.served().blocks_sent, 0U);
  EXPECT_GT(liar.served().blocks_absent, 0U) << "it was asked";
  EXPECT_LT(liar.served().blocks_absent, 2000U) << "and not believed for long";
}

TEST_F(SlowOrigin, a_liar_that_sends_other_bytes_only_makes_it_slower) {
  LoopbackNode liar("liar", [](Store& truth) { return make_inventing_store(truth); });
  liar.serve();
  target.fetcher().add_peer(liar.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_GT(liar.served().blocks_sent, 0U) << "it was asked";
  EXPECT_LT(liar.served().blocks_sent, 2000U) << "and not believed for long";
  EXPECT_EQ(origin.served().blocks_sent, 3000U) << "nothing of it was kept";
}

TEST(Relatives, two_peers_whose_other_images_hold_all_of_it_are_enough_without_its_origin) {
  const SampleImage image(test::random_blocks(BlockCount(2000), 1));
  LoopbackNode a("a");
  LoopbackNode b("b");
  LoopbackNode target("target");
  hold_indexed(a, "one", relative(image, 2, seven_of_ten));
  hold_indexed(b, "two", relative(image, 3, [](std::uint64_t i) { return i % 10 >= 5; }));
  const auto local = target.hold("disk", image, ".");
  for (LoopbackNode* node : {&a, &b})
    target.fetcher().add_peer(node->address());
  EXPECT_TRUE(target.read(local, blocks(1000, 10))) << "a demand read too";
  EXPECT_EQ(target.materialize(local).state, JobState::done);
  expect_equal(*local, image);
  EXPECT_EQ(a.served().blocks_sent + b.served().blocks_sent, 2000U);
}

TEST(Relatives, equal_blocks_of_an_image_cross_the_link_once) {
  std::vector<std::byte> bytes = test::random_blocks(BlockCount(3000), 1);
  for (std::size_t i = 0; i < 3000; ++i) {
    if (i % 10 < 7) continue;
    const std::size_t twin = i / 10 % 2 == 0 ? i - 5 : i - i % 10;  // near ones and shared ones
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(twin * block_size), block_size,
                bytes.begin() + static_cast<std::ptrdiff_t>(i * block_size));
  }
  const SampleImage image(std::move(bytes));
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  hold_indexed(origin, "disk", image);
  target.fetcher().add_peer(origin.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_EQ(origin.served().blocks_sent, 2100U);
}

TEST(Relatives, blocks_of_two_images_fetched_at_the_same_time_cross_the_link_once) {
  const SampleImage one(test::random_blocks(BlockCount(5000), 1));
  const SampleImage two = relative(one, 2, seven_of_ten);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  origin.hold("one", one);
  hold_indexed(origin, "two", two);
  target.fetcher().add_peer(origin.address());
  const auto first = target.adopt("one");
  const auto second = target.adopt("two");
  ASSERT_TRUE(first && second);
  const auto job = target.fetcher().materialize(*first, {.bytes_per_second = 0}, nullptr);
  EXPECT_EQ(target.materialize(*second).state, JobState::done);
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  expect_equal(**first, one);
  expect_equal(**second, two);
  EXPECT_EQ(origin.served().blocks_sent, 6500U) << "they share 3500 of their 10000 blocks";
}

TEST(Relatives, what_a_local_relative_holds_is_never_asked_for) {
  const SampleImage image(test::random_blocks(BlockCount(2000), 1));
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  hold_indexed(origin, "disk", image);
  target.fetcher().add_peer(origin.address());
  // The tree is here before the relative comes.
  const auto local = target.hold("disk", image, ".");
  target.hold("relative", relative(image, 2, seven_of_ten));
  ASSERT_TRUE(target.store().flush());
  ASSERT_TRUE(target.read(local, blocks(0, 7)));
  EXPECT_EQ(origin.served().blocks_sent, 0U) << "nor for a demand read";
  EXPECT_EQ(target.materialize(local).state, JobState::done);
  expect_equal(*local, image);
  EXPECT_EQ(origin.served().blocks_sent, 600U);
}

}  // namespace
}  // namespace weft::fetcher::testing
