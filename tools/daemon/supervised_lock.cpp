// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/supervised_lock.h"

#include "indexer/core/clock.h"
#include "indexer/store/state_directory.h"
#include "tools/api/control_client.h"
#include "tools/daemon/pause.h"

#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <sys/file.h>

namespace weft::tools {
namespace {

/// Longer than a supervisor pauses between two workers.
constexpr auto patience = std::chrono::seconds(30);
constexpr auto poll_period = std::chrono::milliseconds(50);

std::filesystem::path lock_of(const std::filesystem::path& state) {
  return state / "supervised";
}

}  // namespace

Result<UniqueFd> take_supervised_lock(const Config& config) {
  if (!make_path(posix_file_system(), config.state)) return UniqueFd();
  UniqueFd file(::open(lock_of(config.state).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file) return UniqueFd();
  const auto deadline = steady_clock().now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || ControlClient::connect(control_socket(config))) return UniqueFd();
    if (steady_clock().now() >= deadline) {
      return fail(Errc::state_locked, Operation::lock,
                  config.state.string() + " has a daemon that does not answer: see its log");
    }
    static_cast<void>(pause_for(poll_period, {}));
  }
  return file;
}

bool is_supervised(const std::filesystem::path& state) {
  const UniqueFd file(::open(lock_of(state).c_str(), O_RDONLY | O_CLOEXEC));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace weft::tools
