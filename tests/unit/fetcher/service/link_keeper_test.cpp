// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/link_keeper.h"

#include "tests/support/fetcher/sim_world.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;

class LinkKeeperTest : public ::testing::Test {
 protected:
  LinkKeeperTest() {
    store = *Store::open(disk, {.directory = directory.path() / "state", .free_space_floor = {}});
    keeper = make();
    world.run([&]() -> Awaitable<void> {
      keeper->start();
      co_return;
    });
  }
  ~LinkKeeperTest() override {
    world.run([&] { return keeper->stop(); });
  }
  std::unique_ptr<LinkKeeper> make() {
    return std::make_unique<LinkKeeper>(
        world.executor(), world.timers(), world.offload(), *store,
        LinkKeeper::Options{.unix_time = [this] { return unix_time; }});
  }
  static NodeId node(int n) {
    NodeId id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    return id;
  }
  /// A session that measures `rate` and ends.
  void session(int n, double rate) {
    LinkEstimate estimate;
    estimate.rate = {.mean = rate, .deviation = rate / 10, .samples = 8};
    keeper->monitor().up(node(n), "a:1", [estimate] { return estimate; }, world.timers().now());
    keeper->monitor().down(node(n), true, world.timers().now());
  }
  double kept(std::size_t row = 0) {
    const auto rows = *store->links();
    return row < rows.size() ? rows[row].in.mean : 0;
  }

  SimWorld world;
  test::TempDirectory directory;
  test::FaultyFileSystem disk;
  std::unique_ptr<Store> store;
  std::int64_t unix_time = 1'700'000'000;
  std::unique_ptr<LinkKeeper> keeper;
};

TEST_F(LinkKeeperTest, session_that_ended_is_written_soon_and_several_together) {
  world.run_for(30s);
  EXPECT_EQ(kept(), 0);
  session(1, 1e6);
  world.run_for(1s);
  EXPECT_EQ(kept(), 1e6) << "the last write is longer ago than the least pause";
  const auto tasks = world.offload().tasks;
  for (int i = 0; i < 50; ++i)
    session(1, 2e6);
  world.run_for(5s);
  EXPECT_EQ(kept(), 1e6) << "not again so soon";
  world.run_for(5s);
  EXPECT_EQ(kept(), 2e6);
  EXPECT_EQ(world.offload().tasks, tasks + 1);
}

TEST_F(LinkKeeperTest, a_living_session_is_written_every_minute) {
  LinkEstimate estimate;
  estimate.rate = {.mean = 3e6, .deviation = 0, .samples = 8};
  keeper->monitor().up(node(1), "a:1", [&] { return estimate; }, world.timers().now());
  world.run_for(61s);
  EXPECT_EQ(kept(), 3e6);
  const auto tasks = world.offload().tasks;
  world.run_for(10min);
  EXPECT_EQ(world.offload().tasks, tasks + 10);
  keeper->monitor().down(node(1), true, world.timers().now());
}

TEST_F(LinkKeeperTest, another_process_begins_with_what_was_kept_faded_by_its_age) {
  session(1, 1e6);
  world.run([&] { return keeper->stop(); });
  unix_time += 3 * 3600;
  keeper = make();
  keeper->load(*store->links());
  const auto view = keeper->monitor().view(node(1), world.timers().now());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->rate_in.mean, 1e6);
  EXPECT_NEAR(view->rate_in.samples, 4, 0.01);
}

TEST_F(LinkKeeperTest, rows_that_make_no_sense_are_ignored) {
  LinkRow good;
  good.node = node(1);
  good.address = "a:1";
  good.measured = unix_time + 1000;
  good.in = {.mean = 1e6, .deviation = 1, .samples = 1};
  std::vector<LinkRow> rows(5, good);
  rows[0].in.mean = -1;
  rows[1].out.samples = NAN;
  rows[2].round_trip = 1e9;
  rows[3].up = INFINITY;
  for (int i = 0; i < 5; ++i)
    rows[static_cast<std::size_t>(i)].node = node(i + 1);
  keeper->load(rows);
  const auto records = keeper->monitor().records(world.timers().now());
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].node, node(5));
  EXPECT_EQ(records[0].rate_in.samples, 1) << "a clock that was put back";
}

}  // namespace
}  // namespace weft::fetcher::testing
