// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_writer.h"

#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

namespace weft {
namespace {

class TreeWriterTest : public testing::Test {
 protected:
  std::unique_ptr<File> new_file() {
    return posix_file_system().open(dir_ / "tree", OpenMode::create_exclusive).value();
  }
  static void expect_same(File& file, const test::TreeModel& model) {
    for (const auto& [node, bytes] : model.nodes) {
      NodeBytes got{};
      ASSERT_TRUE(file.read_at(ByteOffset(model.shape.ordinal(node) * block_size), got));
      ASSERT_EQ(got, bytes) << int{node.level} << "/" << node.index;
    }
  }
  test::TempDirectory dir_;
};

TEST_F(TreeWriterTest, ranges_in_any_order_make_the_same_tree) {
  std::vector<Digest> digests(40000);
  for (std::size_t i = 0; i < digests.size(); ++i)
    if (i % 7 != 0 && (i < 10000 || i > 20000)) digests[i] = test::make_digest(i);
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < digests.size(); at += 300)
    starts.push_back(at);
  std::ranges::shuffle(starts, std::mt19937(3));
  const auto file = new_file();
  TreeWriter writer(*file, bytes_of(BlockCount(digests.size())));
  for (const std::size_t at : starts) {
    const std::size_t count = std::min<std::size_t>(300, digests.size() - at);
    ASSERT_TRUE(writer.put(BlockIndex(at), std::span(digests).subspan(at, count)));
  }
  const test::TreeModel model = test::model_of(digests);
  EXPECT_EQ(writer.finish().value(), model.root);
  expect_same(*file, model);
}

TEST_F(TreeWriterTest, threads_may_put_different_ranges_at_once) {
  std::vector<Digest> digests(128 * 300);
  for (std::size_t i = 0; i < digests.size(); ++i)
    digests[i] = test::make_digest(i);
  const auto file = new_file();
  TreeWriter writer(*file, bytes_of(BlockCount(digests.size())));
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        // 100 blocks at a time: neighbours share leaves.
        for (std::size_t at = t * 100; at < digests.size(); at += 400)
          EXPECT_TRUE(writer.put(BlockIndex(at), std::span(digests).subspan(at, 100)));
      });
  }
  EXPECT_EQ(writer.finish().value(), test::model_of(digests).root);
}

TEST_F(TreeWriterTest, terabytes_of_holes_take_no_space) {
  const auto file = new_file();
  TreeWriter writer(*file, max_image_size);
  const std::uint64_t last = writer.shape().blocks().value() - 1;
  const Digest digest = test::make_digest(1);
  ASSERT_TRUE(writer.put(BlockIndex(last), {&digest, 1}));
  ASSERT_TRUE(writer.put(BlockIndex(1000), std::vector<Digest>(5000)));
  const test::TreeModel model = test::model_of(max_image_size, {{last, digest}});
  EXPECT_EQ(writer.finish().value(), model.root);
  expect_same(*file, model);
  EXPECT_LE(file->stat().value().allocated.value(), 16 * block_size * model.shape.height());
}

TEST_F(TreeWriterTest, image_of_zeros_has_the_zero_root) {
  const auto file = new_file();
  TreeWriter writer(*file, ByteCount(100'000'000));
  EXPECT_TRUE(writer.finish().value().is_zero());
  EXPECT_EQ(file->stat().value().allocated.value(), 0u);
}

TEST_F(TreeWriterTest, full_disk_is_reported_by_put_and_by_finish) {
  test::FaultyFileSystem disk;
  const auto file = disk.open(dir_ / "full", OpenMode::create_exclusive).value();
  TreeWriter writer(*file, bytes_of(BlockCount(1000)));
  const std::vector<Digest> digests(1000, test::make_digest(1));
  disk.set_space(ByteCount(100));
  const auto put = writer.put(BlockIndex(0), digests);
  ASSERT_FALSE(put);
  EXPECT_TRUE(put.error().is(std::errc::no_space_on_device));
  disk.clear_faults();
  ASSERT_TRUE(writer.put(BlockIndex(0), digests));
  disk.set_space(ByteCount(0));
  const auto root = writer.finish();
  ASSERT_FALSE(root);
  EXPECT_TRUE(root.error().is(std::errc::no_space_on_device));
}

}  // namespace
}  // namespace weft
