// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

/// What a guest read while it booted, in a form that can be done again faster or slower: on a disk
/// that answers at once it takes the guest's own time, on a slow one that and the waiting.
namespace weft::testing {

using TraceTime = std::chrono::nanoseconds;

/// A read as it was seen, times since any common moment.
struct SeenRead {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  TraceTime issued{};
  TraceTime completed{};
};

/// A read, and when the guest issues it: `think` after the read `after` has completed (nullopt:
/// after the start). `after` is always an earlier one.
struct TracedRead {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  std::optional<std::size_t> after{};
  TraceTime think{};
};

struct ReadTrace {
  std::vector<TracedRead> reads;
  TraceTime rest{};  ///< from the last completion until the guest was ready

  /// Guest time along the longest chain: what a disk that answers at once takes.
  [[nodiscard]] TraceTime thinking() const;
};

/// A read depends on the one that completed last before it was issued: the guest cannot have known
/// more. Reads that were in flight together stay so. `ready`: on the clock of the reads, which
/// begins at `start`; reads issued later are left out.
[[nodiscard]] ReadTrace trace_of(std::vector<SeenRead> seen, TraceTime start, TraceTime ready);

struct Replayed {
  std::chrono::duration<double> ready{};    ///< from the first issue to the guest's being ready
  std::chrono::duration<double> waiting{};  ///< summed over all reads
};

/// Does the reads again on `file`, with O_DIRECT, `scale` × the thinking, each as soon as what it
/// depends on is complete. Throws std::runtime_error on the first read that fails or is short.
[[nodiscard]] Replayed replay(const ReadTrace& trace, const std::filesystem::path& file,
                              double scale);

}  // namespace weft::testing
