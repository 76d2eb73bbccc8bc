// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/commit_paths.h"

#include "indexer/disk/disks.h"
#include "tests/support/fs/fake_fetcher.h"
#include "tests/unit/indexer/store/store_fixture.h"

#include <stop_token>
#include <vector>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

/// A disk with a change, over an image of which nothing is here.
class CommitPaths : public test::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    adopt(sample_, "base");
    ASSERT_TRUE(store_->disks()->create("vm", sample_.info.id));
    disk_ = store_->disks()->open("vm").value();
    ASSERT_TRUE(disk_->write(ByteOffset(0), std::vector<std::byte>(block_size, std::byte{1})));
    commit_ = store_->disks()->begin_commit("vm", "new").value();
  }
  Result<void> fetch(testing::FakeFetcher& fetcher, std::stop_token stop = {}) {
    return fetch_commit_paths(*commit_, fetcher, steady_clock().now() + 60s, stop);
  }

  const test::SampleImage sample_{test::random_blocks(BlockCount(300), 1)};
  std::shared_ptr<WritableDisk> disk_;
  std::unique_ptr<DiskCommit> commit_;
};

TEST_F(CommitPaths, end_when_blocks_come_and_the_tree_does_not) {
  testing::FakeFetcher fetcher([](LocalImage&, BlockRange) { return Result<void>(); });
  fetcher.deliver();
  const auto got = fetch(fetcher);
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().is(Errc::not_resident)) << got.error().message();
}

TEST_F(CommitPaths, are_fetched_until_they_are_whole) {
  testing::FakeFetcher fetcher([this](LocalImage& image, BlockRange) {
    return sample_.send_tree(image) ? Result<void>() : fail(Errc::not_resident, Operation::fetch);
  });
  fetcher.deliver();
  const auto got = fetch(fetcher);
  EXPECT_TRUE(got) << got.error().message();
  EXPECT_TRUE(commit_->publish());
}

TEST_F(CommitPaths, end_when_nobody_waits_any_more) {
  testing::FakeFetcher fetcher([](LocalImage&, BlockRange) { return Result<void>(); });
  std::stop_source stop;
  stop.request_stop();
  const auto got = fetch(fetcher, stop.get_token());
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().is(Errc::cancelled));
}

}  // namespace
}  // namespace weft::tools
