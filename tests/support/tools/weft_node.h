// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/fs/subprocess.h"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace weft::testing {

/// A TCP port of 127.0.0.1 that nobody listened on a moment ago.
[[nodiscard]] std::uint16_t free_port();

/// The binary of this build.
[[nodiscard]] std::string weft_binary();

/// Runs the `weft` binary of this build to its end, with these arguments.
[[nodiscard]] Finished run_weft(std::vector<std::string> arguments,
                                std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// Where a node runs and listens.
struct NodePlace {
  /// Put before the daemon's command, such as `StarNet::in_spoke`; it must not fork.
  std::vector<std::string> prefix{};
  /// Numeric; other than loopback, the daemon is told that this is allowed.
  std::string host = "127.0.0.1";
};

/// A node as its users have it: `weft daemon` on a state directory of its own, listening on a port
/// of its own, on 127.0.0.1 unless said otherwise, driven by the command. The destructor ends the
/// daemon and whatever it left mounted.
class WeftNode {
 public:
  /// `settings`: further flags of the daemon.
  explicit WeftNode(std::filesystem::path state, std::vector<std::string> settings = {},
                    NodePlace place = {});
  ~WeftNode();
  WeftNode(const WeftNode&) = delete;
  WeftNode& operator=(const WeftNode&) = delete;

  /// Starts the daemon and waits until it answers; throws std::runtime_error with its output if it
  /// does not within 20 s.
  void start();
  /// SIGTERM, and waits for its end. Throws if that takes longer than 20 s.
  ExitStatus stop();
  /// SIGKILL to the daemon and all its children: the host's power button, as far as processes go.
  void kill_all();
  /// SIGSTOP to all of them: connections stay, nobody answers. Until `thaw`, `kill_all` or the end.
  void freeze();
  void thaw();
  /// SIGKILL to the worker, which its supervisor then replaces. Returns the killed one's id.
  pid_t kill_worker();
  /// Waits until a worker other than `old` answers.
  [[nodiscard]] bool wait_for_new_worker(pid_t old, std::chrono::milliseconds timeout);

  /// `weft --state … ARGUMENTS` against this node.
  [[nodiscard]] Finished weft(std::vector<std::string> arguments,
                              std::chrono::milliseconds timeout = std::chrono::seconds(60)) const;
  /// The same with --json, which must succeed; throws std::runtime_error with its output if not.
  [[nodiscard]] boost::json::value query(std::vector<std::string> arguments) const;

  [[nodiscard]] std::string address() const { return place_.host + ":" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::filesystem::path& state() const { return state_; }
  [[nodiscard]] Subprocess& daemon() { return *daemon_; }
  /// What the daemon has logged since the first start.
  [[nodiscard]] std::string log() const;

 private:
  [[nodiscard]] bool answers() const;
  [[nodiscard]] pid_t worker() const;

  [[nodiscard]] std::filesystem::path log_file() const { return state_.string() + ".log"; }

  std::filesystem::path state_;
  std::uint16_t port_;
  std::vector<std::string> settings_;
  NodePlace place_;
  std::unique_ptr<Subprocess> daemon_;
};

/// All descendants of a process, from /proc.
[[nodiscard]] std::vector<pid_t> descendants(pid_t parent);

/// Unmounts, lazily if need be, every mount at or below `directory`.
void unmount_below(const std::filesystem::path& directory);

}  // namespace weft::testing
