// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/connect.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

void expect_content(const MemoryImage& image, const Collected& collected) {
  for (const auto& [block, bytes] : collected.blocks) {
    EXPECT_TRUE(std::ranges::equal(bytes, image.block(block))) << block.value();
  }
}

TEST(PeerSession, greets_and_lists_the_images_of_the_peer) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(40));
  image->drop(range(1, 2));
  pair.store.add("deb13", mixed_content(8, 2));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    EXPECT_EQ(session.remote().name, "server");
    const auto images = co_await session.images(pair.in(5s));
    EXPECT_TRUE(images);
    EXPECT_EQ(images->size(), 2u);
    EXPECT_EQ(images->front(), (wire::ImageSummary{.name = "deb12",
                                                   .info = image->info(),
                                                   .available = BlockCount(38),
                                                   .complete = false}));
    EXPECT_TRUE(images->back().complete);
  });
}

TEST(PeerSession, finds_an_image_with_the_path_to_the_first_read) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(1000));
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    const auto found = co_await session.find_image("deb12", BlockIndex(700), pair.in(5s));
    EXPECT_TRUE(found);
    EXPECT_EQ(found->image.info, image->info());
    const auto path = image->shape().path_to(BlockIndex(700));
    EXPECT_EQ(found->path.nodes.size(), path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
      EXPECT_EQ(found->path.nodes[i].node, path[i]);
      EXPECT_EQ(found->path.nodes[i].bytes, image->nodes().at(path[i]));
    }
    const auto by_id = co_await session.find_image(to_hex(image->info().id), {}, pair.in(5s));
    EXPECT_TRUE(by_id);
    const auto none = co_await session.find_image("deb99", {}, pair.in(5s));
    EXPECT_TRUE(!none && none.error().is(Errc::unknown_image));
  });
}

TEST(PeerSession, blocks_arrive_with_zero_and_absent_ones_named) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(400));
  image->drop(range(100, 50));
  Collected all;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.blocks(image->info().id, {range(200, 200), range(0, 200)}, Priority::demand,
                   all.handler(pair.world.timers()));
    co_await pair.ended(all);
  });
  EXPECT_FALSE(all.error);
  EXPECT_EQ(all.ends, 1u);
  EXPECT_EQ(all.zero.size(), 100u);
  EXPECT_EQ(all.absent.size(), 37u);  // of 50, 13 are zero and known to be
  EXPECT_EQ(all.blocks.size(), 400u - 100 - 37);
  EXPECT_EQ(all.batches, (400u - 100 - 37 + 31) / 32);
  expect_content(*image, all);
}

}  // namespace
}  // namespace weft::fetcher::testing
