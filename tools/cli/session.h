// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "tools/api/call.h"
#include "tools/api/control_client.h"
#include "tools/cli/terminal.h"
#include "tools/config/load.h"

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace weft::tools {

class Node;

/// The flags every verb takes.
struct GlobalOptions {
  std::optional<std::string> config_file;
  ConfigTexts settings;  ///< flags of config_keys()
  bool json = false;
  bool verbose = false;
  bool no_progress = false;
};

/// What a verb needs of a node when no daemon runs.
enum class NodeNeed {
  daemon,  ///< nothing else will do: Errc::no_daemon
  store,   ///< one in this process, without a network, for the time of the command
  network  ///< the same with a network, but without mounts
};

/// What a verb works with: the configuration, the terminal and a node to ask.
///
/// The node is the daemon of the state directory; where none runs, one in this process or, for
/// `ensure_daemon`, one started in the background. Not thread-safe. Make it before any thread.
class Session {
 public:
  Session(LoadedConfig config, GlobalOptions options, Terminal& terminal, std::stop_token stop);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const Config& config() const noexcept { return loaded_.config; }
  [[nodiscard]] const GlobalOptions& options() const noexcept { return options_; }
  [[nodiscard]] Terminal& terminal() noexcept { return terminal_; }
  [[nodiscard]] std::stop_token stop_token() const { return stop_; }

  /// True if a daemon answers on the state directory.
  [[nodiscard]] bool daemon_runs();
  /// Starts an embedded node in the background if no daemon runs.
  [[nodiscard]] Result<void> ensure_daemon();
  /// Flags that give another process of this program the same configuration.
  [[nodiscard]] std::vector<std::string> configuration_flags() const;

  [[nodiscard]] Reply call(const Call& call, NodeNeed need = NodeNeed::store);
  /// The same with a progress bar.
  [[nodiscard]] Reply call_with_progress(const Call& call, NodeNeed need = NodeNeed::store);

  /// Prints the answer: as JSON if asked for, else the text.
  void print(const boost::json::object& answer, const std::string& text);

 private:
  [[nodiscard]] Result<ControlClient> connect() const;
  [[nodiscard]] Result<Node*> own_node(NodeNeed need);
  [[nodiscard]] Reply perform(const Call& call, NodeNeed need, const CallContext& context);

  const LoadedConfig loaded_;
  const GlobalOptions options_;
  Terminal& terminal_;
  const std::stop_token stop_;
  std::unique_ptr<Node> node_;
};

/// GET /v1/… and the like, from path segments.
[[nodiscard]] Call make_call(std::string method, std::vector<std::string> path,
                             boost::json::object body = {});

}  // namespace weft::tools
