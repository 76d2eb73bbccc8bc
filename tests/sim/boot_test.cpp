// SPDX-License-Identifier: Apache-2.0
// A boot over a thin link: what it takes until the guest is ready, by what is fetched before it is
// read.
#include "fetcher/profile/boot_order.h"
#include "tests/sim/guest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace weft::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr BlockCount image_blocks = mib(512);

/// Files of 4 to 512 KiB all over the image, read in requests of at most 128 KiB: about 64 MiB in
/// six seconds, much of it in the first two.
BootTrace some_boot(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  BootTrace trace;
  std::uint64_t blocks = 0;
  while (blocks < mib(64).value()) {
    const std::uint64_t length = 1U << random() % 8;
    const std::uint64_t first = random() % (image_blocks.value() - length);
    for (std::uint64_t at = 0; at < length; at += 32) {
      const std::uint64_t part = std::min<std::uint64_t>(32, length - at);
      const bool early = blocks < mib(32).value();
      trace.reads.push_back(
          {{BlockIndex(first + at), BlockCount(part)}, microseconds(part * (early ? 240 : 480))});
      blocks += part;
    }
  }
  return trace;
}

fetcher::BootProfile recorded(const BootTrace& trace) {
  fetcher::BootProfile profile;
  fetcher::RangeSet seen;
  Duration at{0};
  for (const BootTrace::Read& read : trace.reads) {
    at += read.think;
    for (const BlockRange& fresh : seen.gaps(read.blocks)) {
      for (BlockIndex b = fresh.first; b < fresh.end(); ++b)
        profile.entries.push_back(
            {.key = b.value(), .block = b, .at = std::chrono::duration_cast<milliseconds>(at)});
    }
    seen.add(read.blocks);
  }
  return profile;
}

struct ThinLink {
  const char* name;
  double rate;
  milliseconds round_trip;
};
constexpr ThinLink links[] = {{"100 Mbit/s, 20 ms", mbit(100), milliseconds(20)},
                              {"20 Mbit/s, 80 ms", mbit(20), milliseconds(80)}};

enum class How { on_demand, image_order, by_profile, profile_and_rest };

/// Seconds until the guest is ready.
double boot(const ThinLink& link, const BootTrace& trace, How how,
            const fetcher::BootProfile& profile, const fetcher::BootOrderLimits& limits = {}) {
  Simulation sim(1, image_blocks);
  Node& source = sim.add({.access = {.up = link.rate}});
  Node& target = sim.add({});
  sim.set_path(source, target, {.delay = link.round_trip / 2});
  source.hold_all();
  target.connect(source);
  sim.run_for(std::chrono::seconds(1));
  if (how == How::by_profile || how == How::profile_and_rest)
    target.prefetch(fetcher::hinted_order(fetcher::boot_slices(profile, limits)));
  if (how == How::image_order || how == How::profile_and_rest) target.materialize();
  Guest guest(sim, target, trace);
  guest.boot();
  EXPECT_TRUE(sim.run_until([&] { return guest.ready().has_value(); }));
  return to_seconds(guest.ready().value_or(std::chrono::hours(1)));
}

TEST(Boot, by_its_profile_closes_most_of_the_gap_to_a_local_boot) {
  for (const ThinLink& link : links) {
    const BootTrace trace = some_boot(7);
    const fetcher::BootProfile profile = recorded(trace);
    const double local = to_seconds(trace.local_time());
    // What the link must carry in any case.
    const double bytes = static_cast<double>(profile.entries.size()) * 1800;
    const double least = std::max(local, bytes / link.rate);
    const double on_demand = boot(link, trace, How::on_demand, profile);
    const double by_profile = boot(link, trace, How::by_profile, profile);
    std::printf("%s: local %.2f, at least %.2f, on demand %.2f, by profile %.2f s\n", link.name,
                local, least, on_demand, by_profile);
    EXPECT_LE(by_profile - least, 0.1 * (on_demand - least)) << link.name;
  }
}

TEST(Boot, by_its_profile_is_ready_before_one_in_image_order) {
  for (const ThinLink& link : links) {
    const BootTrace trace = some_boot(8);
    const fetcher::BootProfile profile = recorded(trace);
    const double image_order = boot(link, trace, How::image_order, profile);
    EXPECT_LE(boot(link, trace, How::by_profile, profile), 0.8 * image_order) << link.name;
    EXPECT_LE(boot(link, trace, How::profile_and_rest, profile), 0.8 * image_order) << link.name;
  }
}

TEST(Boot, a_full_prefetch_is_not_worse_than_none) {
  for (const ThinLink& link : links) {
    const BootTrace trace = some_boot(9);
    const double on_demand = boot(link, trace, How::on_demand, {});
    EXPECT_LE(boot(link, trace, How::image_order, {}), 1.1 * on_demand) << link.name;
  }
}

TEST(Boot, the_profile_of_something_else_costs_little) {
  for (const ThinLink& link : links) {
    const BootTrace trace = some_boot(10);
    const fetcher::BootProfile wrong = recorded(some_boot(11));
    const double on_demand = boot(link, trace, How::on_demand, {});
    const double misled = boot(link, trace, How::by_profile, wrong);
    std::printf("%s: on demand %.2f, misled %.2f s\n", link.name, on_demand, misled);
    EXPECT_LE(misled, 1.1 * on_demand) << link.name;
  }
}

TEST(Boot, slices_of_a_mebibyte_are_as_good_as_any) {
  const BootTrace trace = some_boot(12);
  const fetcher::BootProfile profile = recorded(trace);
  for (const ThinLink& link : links) {
    const double usual = boot(link, trace, How::profile_and_rest, profile);
    for (const std::size_t slice : {64U, 128U, 512U, 2048U, 8192U}) {
      const double other = boot(link, trace, How::profile_and_rest, profile, {.slice = slice});
      std::printf("%s: slices of %zu: %.2f s (256: %.2f s)\n", link.name, slice, other, usual);
      EXPECT_LE(usual, 1.03 * other) << link.name << ", " << slice;
    }
  }
}

}  // namespace
}  // namespace weft::sim
