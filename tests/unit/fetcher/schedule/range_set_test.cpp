// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/range_set.h"

#include "fetcher/schedule/range_map.h"
#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <bitset>
#include <optional>
#include <random>
#include <vector>

namespace weft::fetcher {
namespace {

using testing::blocks;
using testing::picture;
using testing::set;

struct Case {
  const char* name;
  const char* before;
  const char* with;
  const char* after;
};

TEST(RangeSet, add_joins_what_touches) {
  const Case cases[] = {
      {"into nothing", "........", "..##....", "..##...."},
      {"touching on the left", ".##.....", "...#....", ".###...."},
      {"touching on the right", "....##..", "..##....", "..####.."},
      {"closing a gap", "##..##..", "..##....", "######.."},
      {"over several", "#.#.#.#.", ".#####..", "#######."},
      {"inside", "######..", "..##....", "######.."},
      {"nothing", "##......", "........", "##......"},
  };
  for (const Case& c : cases) {
    RangeSet s = set(c.before);
    s.add(set(c.with));
    s.check_invariants();
    EXPECT_EQ(picture(s, 8), c.after) << c.name;
  }
}

TEST(RangeSet, remove_cuts_and_splits) {
  const Case cases[] = {
      {"middle", "########", "...##...", "###..###"},
      {"left end", "########", "###.....", "...#####"},
      {"across several", "##.##.##", ".######.", "#......#"},
      {"nothing there", "##....##", "..####..", "##....##"},
      {"everything", "##.##.##", "########", "........"},
  };
  for (const Case& c : cases) {
    RangeSet s = set(c.before);
    s.remove(set(c.with));
    s.check_invariants();
    EXPECT_EQ(picture(s, 8), c.after) << c.name;
  }
}

TEST(RangeSet, questions_are_clipped_to_the_range_asked_about) {
  const RangeSet s = set(".###..##.");
  EXPECT_EQ(picture(s.within(blocks(2, 5)), 9), "..##..#..");
  EXPECT_EQ(picture(s.gaps(blocks(0, 7)), 9), "#...##...");
  EXPECT_EQ(s.first_within(blocks(3, 6)), blocks(3, 1));
  EXPECT_EQ(s.first_within(blocks(4, 2)), std::nullopt);
  EXPECT_TRUE(s.covers(blocks(1, 3)));
  EXPECT_FALSE(s.covers(blocks(3, 4)));
  EXPECT_TRUE(s.covers(blocks(5, 0)));
  EXPECT_FALSE(s.overlaps(blocks(4, 2)));
  EXPECT_EQ(s.first(), BlockIndex(1));
}

TEST(RangeSet, intersection_keeps_what_is_in_both) {
  EXPECT_EQ(picture(intersect(set("####..##"), set("..####.#")), 8), "..##...#");
}

TEST(RangeSet, equals_a_bitmap_over_random_operations) {
  constexpr std::size_t width = 200;
  std::mt19937 random(7);
  RangeSet s;
  std::bitset<width> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t first = random() % width;
    const std::size_t count = random() % std::min<std::size_t>(width - first + 1, 20);
    const BlockRange range = blocks(first, count);
    const bool add = random() % 2 == 0;
    add ? s.add(range) : s.remove(range);
    for (std::size_t i = first; i < first + count; ++i)
      model.set(i, add);
    s.check_invariants();
    ASSERT_EQ(s.count().value(), model.count());
    const std::size_t probe = random() % width;
    ASSERT_EQ(s.contains(BlockIndex(probe)), model.test(probe)) << "step " << step;
    bool all = true;
    bool any = false;
    for (std::size_t i = first; i < first + count; ++i) {
      all = all && model.test(i);
      any = any || model.test(i);
    }
    ASSERT_EQ(s.covers(range), all);
    ASSERT_EQ(s.overlaps(range), any);
  }
}

TEST(RangeMap, equals_an_array_over_random_operations) {
  constexpr std::size_t width = 120;
  std::mt19937 random(11);
  RangeMap<int> map;
  std::vector<std::optional<int>> model(width);
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t first = random() % width;
    const std::size_t count = random() % std::min<std::size_t>(width - first + 1, 12);
    const BlockRange range = blocks(first, count);
    map.erase(range);
    for (std::size_t i = first; i < first + count; ++i)
      model[i].reset();
    if (random() % 2 == 0) {
      map.assign(range, step);
      for (std::size_t i = first; i < first + count; ++i)
        model[i] = step;
    }
    std::vector<std::optional<int>> seen(width);
    map.for_each(blocks(0, width), [&](BlockRange part, int value) {
      for (BlockIndex b = part.first; b < part.end(); ++b)
        seen[b.value()] = value;
    });
    ASSERT_EQ(seen, model) << "step " << step;
    const std::size_t probe = random() % width;
    const int* value = map.at(BlockIndex(probe));
    ASSERT_EQ(value != nullptr, model[probe].has_value());
  }
}

}  // namespace
}  // namespace weft::fetcher
