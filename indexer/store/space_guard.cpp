// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/space_guard.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace weft {

SpaceGuard::SpaceGuard(FileSystem& fs, std::filesystem::path directory, ByteCount floor)
    : fs_(fs), directory_(std::move(directory)), floor_(floor) {}

Result<void> SpaceGuard::reserve(ByteCount bytes) {
  const auto wanted = static_cast<std::int64_t>(bytes.value());
  if (credit_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) return {};
  WEFT_TRY(const ByteCount free, fs_.free_space(directory_));
  if (free < floor_ + bytes) {
    credit_.store(0, std::memory_order_relaxed);
    return fail_errno(ENOSPC, Operation::write,
                      directory_.native() + " has " + std::to_string(free.value() >> 20) +
                          " MiB left, the floor is " + std::to_string(floor_.value() >> 20) +
                          " MiB; remove images or lower the floor");
  }
  constexpr std::uint64_t longest = 64u << 20;
  const std::uint64_t room = (free - floor_ - bytes).value();
  credit_.store(static_cast<std::int64_t>(std::min(room / 2, longest)), std::memory_order_relaxed);
  return {};
}

}  // namespace weft
