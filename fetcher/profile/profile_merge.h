// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"

#include <cstddef>
#include <span>

/// One profile out of several boots. Pure.
namespace weft::fetcher {

/// Recordings of one image that are kept and merged. *Rationale:* what an image reads at boot
/// changes with what its guests are configured to do, so the last boots tell more than all of them.
inline constexpr std::size_t boots_remembered = 8;
/// A profile that is itself merged (it came from a peer or a file) counts as so many boots at most,
/// so that a few boots here outweigh what was true elsewhere.
inline constexpr std::uint32_t most_weight = 4;

/// The profile of all `recordings`, oldest first, at least one; each is valid and they are of one
/// image. Of each key: in how many boots it was read, the median of the times (the lower one of
/// two), and the place that the newest recording says. At most `max_entries` keys: those of the
/// most boots, of those the earliest. A single recording stays as it is, but for that bound.
[[nodiscard]] BootProfile merge_boots(std::span<const BootProfile> recordings,
                                      std::size_t max_entries = max_profile_entries);

/// Leaves at most `max_entries` entries: those of the most boots, of those the earliest.
void keep_most_needed(BootProfile& profile, std::size_t max_entries);

}  // namespace weft::fetcher
