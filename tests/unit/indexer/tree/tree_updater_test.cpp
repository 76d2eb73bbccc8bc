// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_updater.h"

#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace weft {
namespace {

using Digests = std::map<std::uint64_t, Digest>;

class TreeUpdaterTest : public testing::Test {
 protected:
  std::unique_ptr<File> new_file() {
    return disk_.open(dir_ / std::to_string(++files_), OpenMode::create_exclusive).value();
  }
  // A tree file with all nodes of the model.
  std::unique_ptr<File> file_of(const test::TreeModel& model) {
    auto file = new_file();
    for (const auto& [node, bytes] : model.nodes)
      EXPECT_TRUE(file->write_at(ByteOffset(model.shape.ordinal(node) * block_size), bytes));
    return file;
  }
  struct Outcome {
    std::uint64_t hashed = 0;
    std::uint64_t allocated = 0;
  };
  // Updates the tree of `before` to that of `after` and compares it with one made from nothing.
  Outcome expect_update(ByteCount old_size, const Digests& before, ByteCount size,
                        const Digests& after) {
    const auto old_model = test::model_of(old_size, before);
    TreeFile old(file_of(old_model), old_model.info());
    const auto file = new_file();
    TreeUpdater updater(*file, size, old);
    std::set<std::uint64_t> changed;
    for (const auto& [block, digest] : before)
      if (block < blocks_for(size).value() && !after.contains(block)) changed.insert(block);
    for (const auto& [block, digest] : after) {
      const auto was = before.find(block);
      if (was != before.end() && was->second == digest) continue;
      changed.insert(block);
      EXPECT_TRUE(updater.put(BlockIndex(block), {&digest, 1}));
    }
    const auto root = updater.finish([&](BlockRange range) -> std::optional<BlockIndex> {
      const auto next = changed.lower_bound(range.first.value());
      if (next == changed.end() || BlockIndex(*next) >= range.end()) return std::nullopt;
      return BlockIndex(*next);
    });
    const auto model = test::model_of(size, after);
    EXPECT_TRUE(root);
    if (root) EXPECT_EQ(*root, model.root);
    for (const auto& [node, bytes] : model.nodes) {
      NodeBytes got{};
      EXPECT_TRUE(file->read_at(ByteOffset(model.shape.ordinal(node) * block_size), got));
      EXPECT_EQ(got, bytes) << int{node.level} << "/" << node.index;
    }
    return {updater.nodes_hashed(), file->stat().value().allocated.value()};
  }
  static Digests dense(std::uint64_t blocks) {
    Digests digests;
    for (std::uint64_t i = 0; i < blocks; ++i)
      digests[i] = test::make_digest(i);
    return digests;
  }
  static ByteCount size_of(std::uint64_t blocks) { return bytes_of(BlockCount(blocks)); }

  test::TempDirectory dir_;
  FileSystem& disk_ = posix_file_system();
  int files_ = 0;
};

TEST_F(TreeUpdaterTest, one_changed_block_hashes_its_path_only) {
  const auto before = dense(40000);  // three levels
  auto after = before;
  after[12345] = test::make_digest(99999);
  EXPECT_EQ(expect_update(size_of(40000), before, size_of(40000), after).hashed, 3u);
}

TEST_F(TreeUpdaterTest, without_changes_nothing_is_hashed) {
  const auto digests = dense(40000);
  EXPECT_EQ(expect_update(size_of(40000), digests, size_of(40000), digests).hashed, 0u);
}

TEST_F(TreeUpdaterTest, blocks_become_zero_and_zero_ones_get_data) {
  auto before = dense(1000);
  auto after = before;
  for (std::uint64_t i = 128; i < 256; ++i)
    after.erase(i);  // a whole leaf
  after.erase(700);
  before.erase(5);
  EXPECT_EQ(expect_update(size_of(1000), before, size_of(1000), after).hashed, 3u);
}

TEST_F(TreeUpdaterTest, all_zero_has_the_zero_root) {
  expect_update(size_of(500), dense(500), size_of(500), {});
  expect_update(size_of(500), {}, size_of(500), dense(500));
}

TEST_F(TreeUpdaterTest, size_changes_move_between_heights) {
  const std::uint64_t sizes[] = {1, 127, 128, 129, 5000, 16384, 16385, 20000};
  for (const auto from : sizes) {
    for (const auto to : sizes) {
      SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
      expect_update(size_of(from), dense(from), size_of(to), dense(to));
      expect_update(size_of(from), dense(from), size_of(to), dense(std::min(from, to)));
    }
  }
}

TEST_F(TreeUpdaterTest, huge_holes_cost_nothing) {
  const Digests before{{0, test::make_digest(1)}, {5'000'000'000, test::make_digest(2)}};
  auto after = before;
  after[5'000'000'001] = test::make_digest(3);
  const auto outcome = expect_update(max_image_size, before, max_image_size, after);
  EXPECT_LE(outcome.hashed, TreeShape(max_image_size).height());
  EXPECT_LE(outcome.allocated, 64 * block_size);
}

TEST_F(TreeUpdaterTest, random_edits_make_the_same_tree_as_a_new_one) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const auto number = [&](std::uint64_t below) { return random() % below; };
    const std::uint64_t old_blocks = 1 + number(20000);
    const std::uint64_t blocks = number(2) == 0 ? old_blocks : 1 + number(20000);
    Digests before;
    for (std::uint64_t at = 0; at < old_blocks; at += 1 + number(300)) {
      for (std::uint64_t run = number(200); run > 0 && at < old_blocks; --run, ++at)
        before[at] = test::make_digest(number(1000));
    }
    Digests after;
    for (const auto& [block, digest] : before)
      if (block < blocks) after[block] = digest;
    for (std::uint64_t edits = number(30); edits > 0; --edits) {
      const std::uint64_t at = number(blocks);
      for (std::uint64_t b = at; b < std::min(blocks, at + number(300)); ++b) {
        if (edits % 3 == 0) {
          after.erase(b);
        } else {
          after[b] = test::make_digest(number(1000));
        }
      }
    }
    expect_update(size_of(old_blocks), before, size_of(blocks), after);
    if (HasFailure()) break;
  }
}

TEST_F(TreeUpdaterTest, old_nodes_that_are_damaged_are_never_taken_over) {
  const auto model = test::model_of(size_of(40000), dense(40000));
  for (const TreeNode damaged :
       {TreeNode{1, 100}, TreeNode{1, 3}, TreeNode{2, 1}, TreeNode{3, 0}}) {
    auto file = file_of(model);
    ASSERT_TRUE(file->write_at(ByteOffset(model.shape.ordinal(damaged) * block_size + 77),
                               std::vector<std::byte>(1)));
    TreeFile old(std::move(file), model.info());
    const auto made = new_file();
    TreeUpdater updater(*made, size_of(40000), old);
    const BlockIndex changed(100 * tree_fanout);
    const auto root = updater.finish([&](BlockRange range) {
      return range.contains(changed) ? std::optional(changed) : std::nullopt;
    });
    ASSERT_FALSE(root);
    EXPECT_TRUE(root.error().is(Errc::not_resident)) << root.error().message();
  }
}

}  // namespace
}  // namespace weft
