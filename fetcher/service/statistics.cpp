// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/statistics.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {
namespace {

constexpr double first_bucket_us = 16;

}  // namespace

FetchSources& FetchSources::operator+=(const FetchSources& more) noexcept {
  in_image += more.in_image;
  by_digest += more.by_digest;
  twins += more.twins;
  joined += more.joined;
  have_queries += more.have_queries;
  have_bytes += more.have_bytes;
  return *this;
}

const char* to_string(PeerState state) noexcept {
  switch (state) {
    case PeerState::connecting:
      return "connecting";
    case PeerState::connected:
      return "connected";
    case PeerState::waiting:
      return "waiting";
    case PeerState::duplicate:
      return "duplicate";
    case PeerState::self:
      return "self";
  }
  return "unknown";
}

const char* to_string(WaitReason reason) noexcept {
  switch (reason) {
    case WaitReason::asked:
      return "asked";
    case WaitReason::verifying:
      return "verifying";
    case WaitReason::tree:
      return "tree";
    case WaitReason::link_full:
      return "link_full";
    case WaitReason::over_budget:
      return "over_budget";
    case WaitReason::not_held:
      return "not_held";
    case WaitReason::not_connected:
      return "not_connected";
  }
  return "unknown";
}

const char* to_string(Foresight foresight) noexcept {
  switch (foresight) {
    case Foresight::unknown:
      return "unknown";
    case Foresight::own_profile:
      return "own_profile";
    case Foresight::relatives_profile:
      return "relatives_profile";
    case Foresight::layout:
      return "layout";
  }
  return "unknown";
}

// Bucket n holds waits up to 16 µs · √2ⁿ.
void WaitHistogram::record(Duration wait) noexcept {
  const double us = std::chrono::duration<double, std::micro>(wait).count();
  const double position =
      us <= first_bucket_us ? 0 : std::ceil(2 * std::log2(us / first_bucket_us));
  const auto last = static_cast<double>(bucket_count - 1);
  ++buckets_[static_cast<std::size_t>(std::min(position, last))];
  ++count_;
  total_ += wait;
}

Duration WaitHistogram::quantile(double fraction) const noexcept {
  if (count_ == 0) return Duration(0);
  const double target = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < bucket_count; ++bucket) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) >= target && seen > 0) break;
  }
  const double us = first_bucket_us * std::exp2(static_cast<double>(bucket) / 2);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::micro>(us));
}

FetchReasons& FetchReasons::operator+=(const FetchReasons& more) {
  demanded += more.demanded;
  readahead += more.readahead;
  planned += more.planned;
  unplanned += more.unplanned;
  stolen += more.stolen;
  hedged += more.hedged;
  wasted += more.wasted;
  return *this;
}

FetchReasons reasons_of(const SourceCounts& counts) {
  const auto bytes = [&](FetchReason reason) { return bytes_of(counts.of(reason)); };
  return {bytes(FetchReason::demand),  bytes(FetchReason::readahead),
          bytes(FetchReason::planned), bytes(FetchReason::unplanned),
          bytes(FetchReason::stolen),  bytes(FetchReason::duplicate),
          bytes_of(counts.wasted)};
}

}  // namespace weft::fetcher
