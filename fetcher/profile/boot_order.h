// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "fetcher/profile/boot_profile.h"
#include "fetcher/schedule/urgency.h"

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

/// A boot profile as an order to fetch in. Pure.
namespace weft::fetcher {

/// Entries that are needed at about the same time.
struct BootSlice {
  plan::Tier tier = soon_tier;
  std::vector<ProfileEntry> entries;  ///< ascending by block
};

struct BootOrderLimits {
  std::size_t first_slice = 64;  ///< blocks: two batches, for which the guest waits at once
  /// Blocks of the others: 1 MiB. In simulation (tests/sim/boot_test.cpp) 64 to 512 are as good;
  /// with 2048 the guest waits for what is at the end of a slice.
  std::size_t slice = 256;
  /// What is read later than this the guest does not need to be ready.
  std::chrono::milliseconds ready_by = std::chrono::minutes(1);
};

/// The slices of a profile by deadline, ascending by tier: the first stage is what at least half of
/// the boots read within `ready_by`, the second what is left. A tier of the first stage has twice
/// as many slices as the one before: it is the beginning where everything waits.
[[nodiscard]] std::vector<BootSlice> boot_slices(const BootProfile& profile,
                                                 const BootOrderLimits& limits = {});

/// Where the entries of a slice were in the image that the profile is of, joined to runs.
[[nodiscard]] std::vector<BlockRange> hinted_blocks(const BootSlice& slice);

/// The order to fetch in if every block is where the profile says.
[[nodiscard]] std::vector<Urgency::Slice> hinted_order(std::span<const BootSlice> slices);

}  // namespace weft::fetcher
