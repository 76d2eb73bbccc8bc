// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/hand_over_mark.h"

#include "indexer/core/unique_fd.h"

#include <chrono>
#include <system_error>

#include <fcntl.h>

namespace weft::tools {
namespace {

constexpr auto lifetime = std::chrono::minutes(1);

std::filesystem::path mark_of(const std::filesystem::path& state) {
  return state / "hand-over";
}

}  // namespace

void set_hand_over_mark(const std::filesystem::path& state) {
  clear_hand_over_mark(state);  // its age counts
  // Without it commands are refused for a moment: no reason to give up the upgrade.
  const UniqueFd file(::open(mark_of(state).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

void clear_hand_over_mark(const std::filesystem::path& state) {
  std::error_code ignored;
  std::filesystem::remove(mark_of(state), ignored);
}

bool is_handed_over(const std::filesystem::path& state) {
  std::error_code problem;
  const auto written = std::filesystem::last_write_time(mark_of(state), problem);
  if (problem) return false;
  const auto age = std::filesystem::file_time_type::clock::now() - written;
  return age < lifetime && age > -lifetime;
}

}  // namespace weft::tools
