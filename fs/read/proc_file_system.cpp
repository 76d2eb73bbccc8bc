// SPDX-License-Identifier: Apache-2.0
#include "fs/read/process_state.h"
#include "indexer/core/unique_fd.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <expected>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace weft::fs {
namespace {

/// /proc gives these files in one piece. The error is an errno.
std::expected<std::string, int> read_proc_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno);
  std::array<char, 4096> buffer;
  const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return std::unexpected(errno);
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

/// As opposed to trouble of our own, such as too many open files or no /proc here.
bool means_gone(int error_number) {
  if (error_number == ESRCH) return true;
  return error_number == ENOENT && ::access("/proc/self/stat", F_OK) == 0;
}

class ProcFileSystem final : public ProcessTable {
 public:
  [[nodiscard]] std::optional<ThreadState> thread(std::uint32_t thread_id) const override {
    const std::string directory = "/proc/" + std::to_string(thread_id);
    const auto status = read_proc_file(directory + "/status");
    const auto stat = status ? read_proc_file(directory + "/stat") : status;
    if (!stat) return means_gone(stat.error()) ? std::nullopt : std::optional(ThreadState{});
    return parse_thread_state(*status, *stat).value_or(ThreadState{});
  }

  [[nodiscard]] bool process_lives(std::uint32_t process_id) const override {
    std::error_code error;
    const std::filesystem::path tasks = "/proc/" + std::to_string(process_id) + "/task";
    for (std::filesystem::directory_iterator it(tasks, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename();
      std::uint32_t id = 0;
      std::from_chars(name.data(), name.data() + name.size(), id);
      const auto state = thread(id);
      if (state && !is_dying(*state)) return true;
    }
    return error && !means_gone(error.value());
  }
};

}  // namespace

const ProcessTable& system_processes() noexcept {
  static const ProcFileSystem table;
  return table;
}

}  // namespace weft::fs
