// SPDX-License-Identifier: Apache-2.0
#include "fs/read/change_probe.h"

namespace weft::fs {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

void ChangeProbe::written(std::size_t bytes, Duration latency, bool waited) noexcept {
  writes_.add(latency);
  written_.fetch_add(bytes, relaxed);
  if (waited) waited_.fetch_add(1, relaxed);
}

void ChangeProbe::zeroed(std::size_t bytes, Duration latency, bool waited) noexcept {
  zeroed_ranges_.add(latency);
  zeroed_.fetch_add(bytes, relaxed);
  if (waited) waited_.fetch_add(1, relaxed);
}

ChangeStatistics ChangeProbe::statistics() const noexcept {
  return {.writes = writes_.summary(),
          .written = ByteCount(written_.load(relaxed)),
          .zeroed_ranges = zeroed_ranges_.summary(),
          .zeroed = ByteCount(zeroed_.load(relaxed)),
          .flushes = flushes_.summary(),
          .waited = waited_.load(relaxed),
          .failed = failed_.load(relaxed)};
}

}  // namespace weft::fs
