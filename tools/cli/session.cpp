// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/session.h"

#include "tools/api/routes.h"
#include "tools/cli/progress_line.h"
#include "tools/daemon/background.h"
#include "tools/daemon/hand_over_mark.h"
#include "tools/daemon/logging.h"
#include "tools/daemon/node.h"
#include "tools/daemon/pause.h"
#include "tools/daemon/supervised_lock.h"

#include <boost/json/serialize.hpp>

#include <ostream>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr auto lock_patience = std::chrono::seconds(5);
/// For the successor of a worker; longer than the pauses between attempts to start one.
constexpr auto supervised_patience = std::chrono::seconds(30);
constexpr auto lock_poll = std::chrono::milliseconds(50);

}  // namespace

Call make_call(std::string method, std::vector<std::string> path, boost::json::object body) {
  path.insert(path.begin(), "v1");
  return Call{std::move(method), std::move(path), {}, std::move(body)};
}

Session::Session(LoadedConfig config, GlobalOptions options, Terminal& terminal,
                 std::stop_token stop)
    : loaded_(std::move(config)),
      options_(std::move(options)),
      terminal_(terminal),
      stop_(std::move(stop)) {}

Session::~Session() = default;

Result<ControlClient> Session::connect() const {
  const auto deadline = steady_clock().now() + supervised_patience;
  for (;;) {
    auto client = ControlClient::connect(control_socket(config()));
    if (client || !client.error().is(Errc::no_daemon)) return client;
    if (!is_handed_over(config().state)) {
      // It starts, ends or has lost its worker. A node of our own would be in its way.
      if (!is_supervised(config().state)) return client;
      if (steady_clock().now() >= deadline) {
        return fail(Errc::state_locked, Operation::control,
                    config().state.string() + " has a daemon that does not answer: see its log");
      }
    }
    if (!pause_for(lock_poll, stop_)) return client;
  }
}

bool Session::daemon_runs() {
  return connect().has_value();
}

std::vector<std::string> Session::configuration_flags() const {
  std::vector<std::string> flags{"--state", config().state.string()};
  if (options_.config_file) {
    flags.insert(flags.end(),
                 {"--config", std::filesystem::absolute(*options_.config_file).string()});
  }
  for (const auto& [name, text] : options_.settings) {
    const auto* key = find_config_key(name);
    if (key == nullptr || name == "state") continue;
    // One argument: a flag that needs no value takes none from the next.
    flags.push_back(flag_of(*key) + "=" + text);
  }
  return flags;
}

Result<void> Session::ensure_daemon() {
  auto client = connect();
  if (client) return {};
  if (!client.error().is(Errc::no_daemon)) return std::unexpected(std::move(client).error());
  node_.reset();
  BackgroundNode background;
  background.state = config().state;
  background.log = config().state / "weft.log";
  background.arguments = {"daemon", "--embedded"};
  const auto flags = configuration_flags();
  background.arguments.insert(background.arguments.end(), flags.begin(), flags.end());
  if (!loaded_.origins.contains("listen")) {
    // A node that comes and goes with a mount must not take the port of the host's daemon.
    background.arguments.insert(background.arguments.end(), {"--listen", "off"});
  }
  return start_in_background(background, stop_);
}

Result<Node*> Session::own_node(NodeNeed need) {
  const bool network = need == NodeNeed::network;
  if (node_ && (node_->network() != nullptr || !network)) return node_.get();
  node_.reset();
  NodeOptions options;
  options.config = config();
  options.config.listen.reset();
  options.network = network;
  WEFT_TRY(node_, Node::start(std::move(options)));
  return node_.get();
}

Reply Session::perform(const Call& call, NodeNeed need, const CallContext& context) {
  // A node that starts or ends has locked the directory but does not answer: that passes.
  const auto deadline = steady_clock().now() + lock_patience;
  for (;;) {
    auto client = connect();
    if (client) return client->call(call, context);
    if (!client.error().is(Errc::no_daemon) || need == NodeNeed::daemon) {
      return std::unexpected(std::move(client).error());
    }
    auto node = own_node(need);
    if (node) return dispatch(**node, call, context);
    const bool passing = node.error().is(Errc::state_locked) && steady_clock().now() < deadline;
    if (!passing || !pause_for(lock_poll, stop_)) return std::unexpected(std::move(node).error());
  }
}

Reply Session::call(const Call& call, NodeNeed need) {
  return perform(call, need, CallContext{stop_, {}});
}

Reply Session::call_with_progress(const Call& call, NodeNeed need) {
  ProgressLine line(terminal_, !options_.no_progress && !options_.json);
  // Also without a terminal: streamed, the answer's silence is bounded by heartbeats.
  const auto show = [&line](const boost::json::object& object) { line.show(object); };
  return perform(call, need, CallContext{stop_, show});
}

void Session::print(const boost::json::object& answer, const std::string& text) {
  terminal_.out << (options_.json ? boost::json::serialize(answer) + "\n" : text) << std::flush;
}

}  // namespace weft::tools
