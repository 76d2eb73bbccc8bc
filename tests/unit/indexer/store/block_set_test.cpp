// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/block_set.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace weft {
namespace {

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(BlockSet, agrees_with_a_vector_of_bools_under_random_changes) {
  constexpr std::uint64_t blocks = 3 * BlockSet::chunk_blocks + 777;
  BlockSet set{BlockCount(blocks)};
  std::vector<bool> model(blocks);
  std::mt19937_64 random(1);
  for (int step = 0; step < 300; ++step) {
    const std::uint64_t first = random() % blocks;
    const std::uint64_t longest = random() % 3 == 0 ? blocks : 200;
    const std::uint64_t count = random() % std::min(longest, blocks - first) + 1;
    const bool insert = random() % 2 == 0;
    std::uint64_t changed = 0;
    for (std::uint64_t b = first; b < first + count; ++b) {
      changed += model[b] != insert ? 1 : 0;
      model[b] = insert;
    }
    const BlockRange r = range(first, count);
    EXPECT_EQ(insert ? set.insert(r) : set.erase(r), BlockCount(changed));
    EXPECT_EQ(set.contains_all(r), insert);
  }
  std::uint64_t total = 0;
  for (std::uint64_t b = 0; b < blocks; ++b) {
    ASSERT_EQ(set.contains(BlockIndex(b)), model[b]) << b;
    total += model[b] ? 1 : 0;
  }
  EXPECT_EQ(set.count(), BlockCount(total));
}

TEST(BlockSet, full_and_empty_chunks_take_no_memory_of_their_own) {
  BlockSet set{BlockCount(std::uint64_t{10} << 28)};  // 10 TiB
  set.insert(range(0, set.blocks().value()));
  EXPECT_TRUE(set.contains_all(range(0, set.blocks().value())));
  for (std::uint64_t c = 0; c < set.chunks(); ++c)
    ASSERT_EQ(set.kind(c), BlockSet::Kind::all);
  set.erase(range(0, set.blocks().value()));
  for (std::uint64_t c = 0; c < set.chunks(); ++c)
    ASSERT_EQ(set.kind(c), BlockSet::Kind::none);
}

TEST(BlockSet, copied_chunk_says_what_it_holds) {
  BlockSet set{BlockCount(BlockSet::chunk_blocks + 10)};
  BlockSet::Words words{};
  EXPECT_EQ(set.copy_chunk(1, words), BlockSet::Kind::none);
  set.insert(range(BlockSet::chunk_blocks, 9));
  EXPECT_EQ(set.copy_chunk(1, words), BlockSet::Kind::mixed);
  EXPECT_EQ(words[0], 0x1ffu);
  set.insert(range(BlockSet::chunk_blocks + 9, 1));
  EXPECT_EQ(set.copy_chunk(1, words), BlockSet::Kind::all) << "all that the image has";
}

TEST(BlockSet, words_past_the_end_are_ignored) {
  BlockSet set{BlockCount(70)};
  BlockSet::Words words;
  words.fill(~std::uint64_t{0});
  EXPECT_EQ(set.insert_words(0, words), BlockCount(70));
  EXPECT_EQ(set.count(), BlockCount(70));
}

TEST(BlockSet, racing_threads_count_each_block_once) {
  constexpr std::uint64_t blocks = 2 * BlockSet::chunk_blocks;
  BlockSet set{BlockCount(blocks)};
  std::atomic<std::uint64_t> inserted{0};
  std::atomic<std::uint64_t> erased{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937_64 random(seed);
        for (int i = 0; i < 500; ++i) {
          const std::uint64_t first = random() % blocks;
          const std::uint64_t count = random() % std::min<std::uint64_t>(blocks - first, 5000) + 1;
          if (random() % 2 == 0) {
            inserted += set.insert(range(first, count)).value();
          } else {
            erased += set.erase(range(first, count)).value();
          }
        }
      });
    }
  }
  std::uint64_t present = 0;
  for (std::uint64_t b = 0; b < blocks; ++b)
    present += set.contains(BlockIndex(b)) ? 1 : 0;
  EXPECT_EQ(inserted - erased, present);
  EXPECT_EQ(set.count(), BlockCount(present));
}

}  // namespace
}  // namespace weft
