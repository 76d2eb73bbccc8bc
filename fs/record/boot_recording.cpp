// SPDX-License-Identifier: Apache-2.0
#include "fs/record/boot_recording.h"

#include <algorithm>
#include <utility>

namespace weft::fs {
namespace {

/// Reads of one reader that several threads serve come out of order by less than this.
constexpr BlockCount reordered{2048};
/// A copy reads back less often than once in so many reads, a boot far more often.
constexpr std::size_t copy_reads_back = 10;

}  // namespace

void BootRecording::add(std::span<const TouchLog::Touch> touches) {
  for (const TouchLog::Touch& touch : touches) {
    ++reads_;
    if (touch.range.end() + reordered < furthest_) ++reads_back_;
    furthest_ = std::max(furthest_, touch.range.end());
    active_ = std::max(active_, touch.at);
    for (BlockIndex block = touch.range.first; block < touch.range.end() && !is_full(); ++block) {
      if (touched_.insert(block).second) unresolved_.push_back({block, touch.at, touched_.size()});
    }
  }
}

void BootRecording::resolve(const DigestOf& digest_of) {
  std::erase_if(unresolved_, [&](const Touched& touched) {
    const auto digest = digest_of(touched.block);
    if (!digest) return !digest.error().is(Errc::not_resident);
    const DigestKey key = digest_key(*digest);
    if (!digest->is_zero() && keys_.insert(key).second) {
      entries_.push_back(
          {{.key = key, .block = touched.block, .at = touched.at, .boots = 1}, touched.rank});
    }
    return true;
  });
}

bool BootRecording::is_over(std::chrono::milliseconds now) const {
  return now - active_ >= rules_.quiet_after || now >= rules_.longest || is_full();
}

bool BootRecording::is_in_order() const {
  return reads_back_ * copy_reads_back < reads_;
}

RecordingKind BootRecording::kind(BlockCount data) const {
  if (blocks() < rules_.least_blocks) return RecordingKind::too_few;
  const double part =
      static_cast<double>(blocks()) / static_cast<double>(std::max<std::uint64_t>(data.value(), 1));
  if (is_in_order() && (part >= rules_.copied_part || is_full())) return RecordingKind::copy;
  return RecordingKind::boot;
}

fetcher::BootProfile BootRecording::profile(const ImageId& image) const {
  std::vector<Known> ordered = entries_;
  std::ranges::sort(ordered, {},
                    [](const Known& known) { return std::pair(known.entry.at, known.rank); });
  fetcher::BootProfile profile{.image = image, .boots = 1, .entries = {}};
  profile.entries.reserve(ordered.size());
  for (const Known& known : ordered)
    profile.entries.push_back(known.entry);
  return profile;
}

}  // namespace weft::fs
