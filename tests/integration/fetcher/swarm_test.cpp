// SPDX-License-Identifier: Apache-2.0
// Nodes that fetch one image at the same time from one origin, and from each other.
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/tools/running_relay.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using test::SampleImage;
using weft::testing::RelayOptions;
using weft::testing::RunningRelay;

/// An origin behind a slow uplink, and three targets that know it alone.
class SwarmOfThree : public ::testing::Test {
 protected:
  SwarmOfThree() {
    origin.hold("disk", image);
    origin.serve();
    uplink =
        std::make_unique<RunningRelay>(RelayOptions{.listen = "127.0.0.1:0",
                                                    .target = origin.address(),
                                                    .round_trip = std::chrono::milliseconds(10),
                                                    .bits_per_second = 40'000'000});
    for (auto& target : targets)
      target->serve();
  }

  /// All three at once.
  void materialize_everywhere() {
    for (auto& target : targets)
      target->fetcher().add_peer(uplink->address());
    std::vector<std::jthread> threads;
    for (auto& target : targets) {
      threads.emplace_back([this, &target] {
        const auto local = target->adopt("disk");
        ASSERT_TRUE(local) << local.error().message();
        EXPECT_EQ(target->materialize(*local).state, JobState::done);
        expect_equal(**local, image);
      });
    }
  }

  const SampleImage image{test::random_blocks(BlockCount(4000), 1)};
  LoopbackNode origin{"origin"};
  std::unique_ptr<RunningRelay> uplink;
  std::array<std::unique_ptr<LoopbackNode>, 3> targets{std::make_unique<LoopbackNode>("one"),
                                                       std::make_unique<LoopbackNode>("two"),
                                                       std::make_unique<LoopbackNode>("three")};
};

TEST_F(SwarmOfThree, targets_find_each_other_and_the_origin_sends_about_one_copy) {
  materialize_everywhere();
  const auto sent = static_cast<double>(origin.served().bytes_sent);
  RecordProperty("copies", std::to_string(sent / (4000 * block_size)));
  EXPECT_LT(sent, 1.5 * 4000 * block_size);
  for (auto& target : targets)
    EXPECT_GT(target->served().blocks_sent, 0U) << "it has helped nobody";
}

TEST_F(SwarmOfThree, target_that_does_not_serve_is_helped_all_the_same) {
  targets[0]->stop_serving();
  materialize_everywhere();
  EXPECT_LT(origin.served().blocks_sent, 2U * 4000);
}

TEST_F(SwarmOfThree, origin_of_an_earlier_version_serves_everybody_as_before) {
  origin.stop_serving();
  origin.features &= ~wire::feature_swarm;
  origin.serve();
  materialize_everywhere();
  EXPECT_GE(origin.served().blocks_sent, 3U * 4000);
}

}  // namespace
}  // namespace weft::fetcher::testing
