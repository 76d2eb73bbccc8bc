// SPDX-License-Identifier: Apache-2.0
#include "fs/read/process_state.h"

#include <charconv>
#include <csignal>
#include <system_error>

namespace weft::fs {
namespace {

constexpr std::uint64_t exiting_flag = 0x4;  // PF_EXITING, in include/linux/sched.h

constexpr std::uint64_t bit_of(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// `key` includes the newline before it and the colon after it.
std::optional<std::uint64_t> status_field(std::string_view status, std::string_view key, int base) {
  const auto at = status.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return parse_number(status.substr(at + key.size()), base);
}

/// The ninth field of stat. The second, the command, may contain anything, but ends at the last
/// ')'.
std::optional<std::uint64_t> flags_of(std::string_view stat) {
  auto at = stat.rfind(')');
  for (int field = 2; field < 9; ++field) {
    if (at == std::string_view::npos) return std::nullopt;
    at = stat.find(' ', at + 1);
  }
  if (at == std::string_view::npos) return std::nullopt;
  return parse_number(stat.substr(at + 1), 10);
}

}  // namespace

std::optional<ThreadState> parse_thread_state(std::string_view status,
                                              std::string_view stat) noexcept {
  const auto process = status_field(status, "\nTgid:", 10);
  const auto own = status_field(status, "\nSigPnd:", 16);
  const auto shared = status_field(status, "\nShdPnd:", 16);
  const auto blocked = status_field(status, "\nSigBlk:", 16);
  const auto ignored = status_field(status, "\nSigIgn:", 16);
  const auto caught = status_field(status, "\nSigCgt:", 16);
  const auto flags = flags_of(stat);
  if (!process || !own || !shared || !blocked || !ignored || !caught || !flags) return std::nullopt;
  return ThreadState{.process_id = static_cast<std::uint32_t>(*process),
                     .pending = *own | *shared,
                     .blocked = *blocked,
                     .ignored = *ignored,
                     .caught = *caught,
                     .exiting = (*flags & exiting_flag) != 0};
}

bool is_dying(const ThreadState& state) noexcept {
  return state.exiting || (state.pending & bit_of(SIGKILL)) != 0;
}

bool must_be_woken(const ThreadState& state) noexcept {
  if (is_dying(state)) return true;
  constexpr std::uint64_t harmless_by_default =
      bit_of(SIGSTOP) | bit_of(SIGTSTP) | bit_of(SIGTTIN) | bit_of(SIGTTOU) | bit_of(SIGCONT) |
      bit_of(SIGCHLD) | bit_of(SIGURG) | bit_of(SIGWINCH);
  const std::uint64_t harmless = harmless_by_default & ~state.caught;
  return (state.pending & ~state.blocked & ~state.ignored & ~harmless) != 0;
}

bool is_abandoned(Reader& reader, const ProcessTable& processes) {
  if (reader.thread_id == 0) return reader.interrupted;
  const auto state = processes.thread(reader.thread_id);
  if (!state) return reader.process_id == 0 || !processes.process_lives(reader.process_id);
  if (state->process_id == 0) return reader.interrupted;
  // The number may name another process by now; then the one that asked is gone.
  if (reader.process_id != 0 && state->process_id != reader.process_id) {
    return !processes.process_lives(reader.process_id);
  }
  reader.process_id = state->process_id;
  return is_dying(*state) || (reader.interrupted && must_be_woken(*state));
}

}  // namespace weft::fs
