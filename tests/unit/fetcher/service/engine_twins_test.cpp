// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// Blocks 200 … 299 are those of 0 … 99.
class EngineTwins : public EngineTest {
 protected:
  EngineTwins() : EngineTest(content_with_twins()) {}
  static std::vector<std::byte> content_with_twins() {
    std::vector<std::byte> bytes = test::random_blocks(BlockCount(300), 4);
    std::copy_n(bytes.begin(), 100 * block_size, bytes.begin() + 200 * block_size);
    return bytes;
  }
  std::shared_ptr<MaterializeJob> materialize() {
    const auto job = engine->materialize(local, {}, nullptr, [] {});
    settle();
    return job;
  }
  /// Blocks asked for until nothing more is.
  std::uint64_t serve_all(ScriptedPeer& peer) {
    std::uint64_t asked = 0;
    for (int i = 0; i < 100; ++i) {
      while (!peer.requests.empty()) {
        for (const BlockRange& range : peer.requests.front().ranges)
          asked += range.count.value();
        peer.answer();
        settle();
      }
      world.run_for(std::chrono::milliseconds(100));
    }
    return asked;
  }
};

TEST_F(EngineTwins, equal_blocks_of_an_image_cross_the_link_once) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto job = materialize();
  EXPECT_EQ(serve_all(peer), 200U);
  EXPECT_EQ(job->progress().state, JobState::done);
  EXPECT_TRUE(local->readable(blocks(0, 300)));
  std::vector<std::byte> bytes(300 * block_size);
  ASSERT_TRUE(local->read(ByteOffset(0), bytes));
  EXPECT_TRUE(std::ranges::equal(bytes, image.block(0, 300)));
}

TEST_F(EngineTwins, twins_are_counted_and_the_job_is_not_over_without_them) {
  give_tree();
  engine->attach(local);
  ScriptedPeer& peer = connect("a");
  const auto job = materialize();
  serve_all(peer);
  const FetchStatistics statistics = engine->statistics();
  ASSERT_EQ(statistics.images.size(), 1U);
  EXPECT_EQ(statistics.images[0].sources.twins, bytes_of(BlockCount(100)));
  EXPECT_EQ(statistics.images[0].sources.in_image, bytes_of(BlockCount(200)));
  engine->detach(image.info.id);
}

TEST_F(EngineTwins, a_demand_read_of_a_twin_does_not_wait_for_the_first) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto job = materialize();
  const auto answer = read(250);
  const auto urgent =
      std::ranges::find(peer.requests, wire::Priority::demand, &ScriptedPeer::Request::priority);
  ASSERT_NE(urgent, peer.requests.end());
  EXPECT_EQ(urgent->ranges, std::vector{blocks(250, 1)});
  serve_all(peer);
  EXPECT_TRUE(ok(answer));
  EXPECT_EQ(job->progress().state, JobState::done);
}

TEST_F(EngineTwins, when_the_first_is_lost_its_twin_is_fetched_itself) {
  give_tree();
  ScriptedPeer& liar = connect("a");
  const auto job = materialize();
  liar.answer([](wire::BlockBatch& batch) { batch.packed[0] ^= std::byte{1}; });
  settle();
  ScriptedPeer& honest = connect("b");
  serve_all(honest);
  EXPECT_EQ(job->progress().state, JobState::done);
  EXPECT_TRUE(local->readable(blocks(0, 300)));
}

TEST_F(EngineTwins, on_a_full_disk_twins_wait_for_space) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto job = materialize();
  disk.set_space(ByteCount(0));
  peer.answer();
  settle();
  world.run_for(std::chrono::seconds(1));
  disk.set_space(ByteCount(1U << 30U));
  serve_all(peer);
  EXPECT_EQ(job->progress().state, JobState::done);
}

}  // namespace
}  // namespace weft::fetcher::testing
