// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Whether somebody still waits for a read.
///
/// The kernel interrupts a reader that waits inside FUSE, once, for whatever woke it: also for job
/// control or a freezer, after which the reader would go on waiting. Reads behind native AIO,
/// io_uring, readahead and O_DIRECT splitting are never interrupted at all: a killed process waits
/// for them without end. So the reader's own state decides.
namespace weft::fs {

/// Of one thread, as /proc shows it. Signal sets: bit n − 1 = signal n.
struct ThreadState {
  std::uint32_t process_id = 0;  ///< 0: /proc cannot be read, nothing is known
  std::uint64_t pending = 0;     ///< for the thread or its process
  std::uint64_t blocked = 0;
  std::uint64_t ignored = 0;
  std::uint64_t caught = 0;
  bool exiting = false;
};

/// From /proc/TID/status and /proc/TID/stat; nullopt if they are not what they should be.
[[nodiscard]] std::optional<ThreadState> parse_thread_state(std::string_view status,
                                                            std::string_view stat) noexcept;

/// It will never look at what it asked for: it is exiting, or SIGKILL is pending.
[[nodiscard]] bool is_dying(const ThreadState& state) noexcept;

/// A signal waits that ends the process or runs a handler. Reads interrupted for less go on.
[[nodiscard]] bool must_be_woken(const ThreadState& state) noexcept;

/// Asks /proc.
class ProcessTable {
 public:
  virtual ~ProcessTable() = default;
  /// nullopt: there is certainly no such thread.
  [[nodiscard]] virtual std::optional<ThreadState> thread(std::uint32_t thread_id) const = 0;
  /// At least one thread of the process is not dying. Decides for AIO whose thread is gone.
  [[nodiscard]] virtual bool process_lives(std::uint32_t process_id) const = 0;
};

[[nodiscard]] const ProcessTable& system_processes() noexcept;

/// What a waiting read knows of its reader.
struct Reader {
  std::uint32_t thread_id = 0;   ///< 0: unknown to this PID namespace
  std::uint32_t process_id = 0;  ///< 0: not looked up yet
  bool interrupted = false;      ///< the kernel has interrupted it, and it was kept waiting
};

/// Looks at the reader again; true: nobody waits for the read any more, answer EINTR. Where /proc
/// tells nothing, the kernel's interrupt decides. Fills in `reader.process_id`.
[[nodiscard]] bool is_abandoned(Reader& reader, const ProcessTable& processes);

}  // namespace weft::fs
