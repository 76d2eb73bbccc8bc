// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/alignment.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t nowhere = ~std::uint64_t{0};

struct Move {
  std::uint64_t was;
  std::uint64_t is;  ///< or nowhere
};

std::vector<std::vector<std::uint64_t>> guesses(const std::vector<Move>& moves) {
  std::vector<AlignedBlock> blocks;
  for (const Move& move : moves) {
    blocks.push_back({BlockIndex(move.was),
                      move.is == nowhere ? std::nullopt : std::optional(BlockIndex(move.is))});
  }
  std::vector<std::vector<std::uint64_t>> all;
  for (const Guesses& places : guess_places(blocks)) {
    auto& one = all.emplace_back();
    for (const auto& place : places) {
      if (place) one.push_back(place->value());
    }
  }
  return all;
}

using Places = std::vector<std::vector<std::uint64_t>>;

TEST(Alignment, what_changed_between_blocks_that_stayed_is_where_it_was) {
  EXPECT_EQ(guesses({{10, 10}, {11, 11}, {12, nowhere}, {20, nowhere}, {30, 30}, {31, 31}}),
            (Places{{}, {}, {12}, {20}, {}, {}}));
}

TEST(Alignment, file_that_grew_is_sought_from_both_of_its_ends) {
  // Five blocks were put in at 20.
  EXPECT_EQ(guesses({{10, 10}, {11, 11}, {20, nowhere}, {30, 35}, {31, 36}}),
            (Places{{}, {}, {20, 25}, {}, {}}));
}

TEST(Alignment, content_found_in_one_odd_place_leads_nowhere) {
  EXPECT_EQ(guesses({{10, 910}, {11, nowhere}, {12, 13}, {13, 14}}),
            (Places{{}, {14 - 2}, {}, {}}));
}

TEST(Alignment, what_is_far_from_everything_known_is_not_guessed) {
  EXPECT_EQ(guesses({{10, 10}, {11, 11}, {11 + 16384, nowhere}, {11 + 16385, nowhere}}),
            (Places{{}, {}, {11 + 16384}, {}}));
  EXPECT_EQ(guesses({{5, nowhere}}), Places{{}});
  EXPECT_EQ(guesses({}), Places{});
}

TEST(Alignment, move_towards_the_start_is_followed) {
  EXPECT_EQ(guesses({{100, 40}, {101, 41}, {103, nowhere}}), (Places{{}, {}, {43}}));
}

}  // namespace
}  // namespace weft::fetcher
