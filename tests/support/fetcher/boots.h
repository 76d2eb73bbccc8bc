// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"
#include "tests/support/indexer/random_signature.h"

#include <initializer_list>

/// Boot profiles made by hand.
namespace weft::test {

struct Need {
  std::uint64_t key;
  int at;  ///< milliseconds
  std::uint16_t boots = 1;
};

/// Blocks are where ten times their key is.
[[nodiscard]] inline fetcher::BootProfile boot(std::initializer_list<Need> needs,
                                               std::uint32_t boots = 1) {
  fetcher::BootProfile profile{.image = image_number(7), .boots = boots, .entries = {}};
  for (const Need& need : needs) {
    profile.entries.push_back({.key = need.key,
                               .block = BlockIndex(need.key * 10),
                               .at = std::chrono::milliseconds(need.at),
                               .boots = need.boots});
  }
  return profile;
}

}  // namespace weft::test
