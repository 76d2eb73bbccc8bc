// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_file.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

namespace weft {
namespace {

TEST(TreeFileConcurrency, readers_see_a_node_whole_or_not_at_all) {
  constexpr std::uint64_t blocks = 128 * 400;
  std::map<std::uint64_t, Digest> digests;
  for (std::uint64_t b = 0; b < blocks; b += 3)
    digests[b] = test::make_digest(b);
  const test::TreeModel model = test::model_of(bytes_of(BlockCount(blocks)), digests);
  const test::TempDirectory dir;
  TreeFile tree(posix_file_system().open(dir / "tree", OpenMode::create).value(), model.info());

  std::atomic<bool> all_put = false;
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < 2; ++writer)
    threads.emplace_back([&] {
      for (auto it = model.nodes.rbegin(); it != model.nodes.rend(); ++it)
        EXPECT_TRUE(tree.put(it->first, it->second));
      all_put = true;
    });
  for (std::uint64_t reader = 0; reader < 2; ++reader)
    threads.emplace_back([&, reader] {
      bool last_round = false;
      do {
        last_round = all_put;
        for (std::uint64_t b = reader; b < blocks; b += 37) {
          const auto digest = tree.block_digest(BlockIndex(b));
          if (digest) {
            ASSERT_EQ(*digest, b % 3 == 0 ? digests.at(b) : Digest{}) << b;
          } else {
            ASSERT_TRUE(digest.error().is(Errc::not_resident)) << digest.error().message();
            ASSERT_FALSE(last_round) << b;
          }
        }
      } while (!last_round);
    });
}

}  // namespace
}  // namespace weft
