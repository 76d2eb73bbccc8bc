// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/residency_runs.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

// Takes up to max_ranges from `from`, starting at `position`.
Runs part(const Runs& from, std::size_t& position) {
  const std::size_t size = std::min<std::size_t>(wire::max_ranges, from.size() - position);
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(position);
  position += size;
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

// A range in a frame counts its blocks with 32 bits.
constexpr BlockCount longest_run{std::uint64_t{1} << 31};

void add_run(Runs& runs, BlockRange run) {
  while (run.count > longest_run) {
    runs.push_back({run.first, longest_run});
    run = {run.first + longest_run, run.count - longest_run};
  }
  if (!run.empty()) runs.push_back(run);
}

}  // namespace

Holdings holdings_of(LocalImage& image, std::size_t limit) {
  Holdings holdings;
  const BlockIndex end(image.shape().blocks().value());
  BlockIndex at(0);
  bool whole = true;
  while (at < end && holdings.runs.size() < limit) {
    const auto missing = image.next_missing(BlockRange::between(at, end));
    whole = whole && !missing;
    add_run(holdings.runs, BlockRange::between(at, missing ? missing->first : end));
    at = missing ? missing->end() : end;
  }
  if (whole && at >= end) return {.complete = true, .runs = {}};
  return holdings;
}

Runs difference(const Runs& a, const Runs& b) {
  Runs rest;
  auto other = b.begin();
  for (BlockRange run : a) {
    while (other != b.end() && other->end() <= run.first)
      ++other;
    for (auto cut = other; cut != b.end() && cut->first < run.end(); ++cut) {
      add_run(rest, BlockRange::between(run.first, cut->first));
      run = BlockRange::between(std::max(run.first, cut->end()), run.end());
    }
    add_run(rest, run);
  }
  return rest;
}

std::vector<wire::Residency> announcements(const ImageId& image, const Holdings& before,
                                           const Holdings& after, bool first) {
  std::vector<wire::Residency> frames;
  if (after.complete) {
    if (first || !before.complete)
      frames.push_back({.image = image, .complete = true, .added = {}, .removed = {}});
    return frames;
  }
  // A peer that knew us as complete learns from `removed` what we lack now.
  const Runs everything = {{BlockIndex(0), BlockCount(wire::max_blocks_in_image)}};
  const Runs& known = before.complete ? everything : before.runs;
  const Runs added = difference(after.runs, known);
  const Runs removed = difference(known, after.runs);
  std::size_t added_at = 0;
  std::size_t removed_at = 0;
  while (added_at < added.size() || removed_at < removed.size() || (first && frames.empty())) {
    wire::Residency& frame = frames.emplace_back();
    frame.image = image;
    frame.added = part(added, added_at);
    frame.removed = part(removed, removed_at);
  }
  return frames;
}

}  // namespace weft::fetcher
