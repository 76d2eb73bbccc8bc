// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/key_memory.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::fetcher {
namespace {

TEST(KeyMemory, finds_what_was_put_and_keeps_the_newest_value) {
  KeyMemory memory;
  EXPECT_FALSE(memory.find(7));
  memory.put(7, 1);
  memory.put(7, 2);
  EXPECT_EQ(memory.find(7), 2U);
  memory.clear();
  EXPECT_FALSE(memory.find(7));
  EXPECT_EQ(memory.capacity(), 0U);
}

TEST(KeyMemory, loses_nothing_while_it_can_grow) {
  KeyMemory memory;
  std::mt19937_64 random(1);
  constexpr std::size_t many = 20'000;
  for (std::size_t i = 0; i < many; ++i)
    memory.put(random(), i + 1);
  random.seed(1);
  for (std::size_t i = 0; i < many; ++i)
    ASSERT_EQ(memory.find(random()), i + 1);
}

TEST(KeyMemory, grows_with_its_content_and_not_beyond_its_bound) {
  KeyMemory memory;
  std::mt19937_64 random(1);
  constexpr std::size_t many = 200'000;
  for (std::size_t i = 0; i < many; ++i)
    memory.put(random(), i + 1);
  random.seed(1);
  std::size_t found = 0;
  for (std::size_t i = 0; i < many; ++i)
    found += memory.find(random()) == i + 1 ? 1U : 0U;
  EXPECT_GT(found, many * 95 / 100);
  for (std::size_t i = 0; i < 2 * KeyMemory::most_entries; ++i)
    memory.put(random(), 1);
  EXPECT_EQ(memory.capacity(), KeyMemory::most_entries);
}

}  // namespace
}  // namespace weft::fetcher
