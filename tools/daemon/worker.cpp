// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/worker.h"

#include "fs/supervisor/direct_keeper.h"
#include "fs/supervisor/worker_link.h"
#include "tools/api/control_client.h"
#include "tools/api/control_server.h"
#include "tools/daemon/idle_rule.h"
#include "tools/daemon/node.h"
#include "tools/daemon/pause.h"
#include "tools/version.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <ctime>

#include <unistd.h>

namespace weft::tools {
namespace {

constexpr auto lock_patience = std::chrono::seconds(5);
constexpr auto lock_poll = std::chrono::milliseconds(50);

/// The supervisor passes every wish to end on as SIGTERM. What a terminal sends to the whole
/// process group must not end the worker before the mounts are looked after.
sigset_t prepare_signals() {
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return ending;
}

void wait_for_end(const sigset_t& ending, Node& node, const ControlServer& control, bool embedded) {
  constexpr timespec quarter_second{0, 250'000'000};
  IdleRule idle(steady_clock().now());
  for (;;) {
    if (::sigtimedwait(&ending, nullptr, &quarter_second) == SIGTERM) {
      spdlog::info("stopping reason=\"SIGTERM\"");
      return;
    }
    if (!embedded) continue;
    if (!idle.update(node.busy() || control.active() > 0, steady_clock().now())) continue;
    spdlog::info("stopping reason=\"no mount and no job left\"");
    return;
  }
}

/// A command that works on the state directory by itself may hold it for a moment; another daemon
/// holds it for good, and answers.
Result<std::unique_ptr<Node>> start_node(const NodeOptions& options) {
  const auto deadline = steady_clock().now() + lock_patience;
  for (;;) {
    auto node = Node::start(options);
    if (node || !node.error().is(Errc::state_locked)) return node;
    const bool daemon = ControlClient::connect(control_socket(options.config)).has_value();
    if (daemon || steady_clock().now() >= deadline) return node;
    static_cast<void>(pause_for(lock_poll, {}));
  }
}

}  // namespace

Result<void> run_worker(WorkerOptions options) {
  const auto ending = prepare_signals();
  std::unique_ptr<fs::MountKeeper> keeper;
  fs::WorkerLink* link = nullptr;
  if (options.supervisor) {
    auto connected = fs::connect_mount_keeper(std::move(options.supervisor));
    link = connected.get();
    keeper = std::move(connected);
  } else {
    keeper = fs::make_direct_mount_keeper();
  }
  WEFT_TRY(auto node, start_node({options.config, true, keeper.get()}));
  ControlServerOptions control_options;
  control_options.socket = control_socket(options.config);
  WEFT_TRY(auto control, ControlServer::start(*node, std::move(control_options)));
  spdlog::info("node ready version={} node={} name=\"{}\" state={} pid={}", version,
               to_hex(node->store().node_id()), node->name(), node->store().directory().string(),
               ::getpid());
  if (link != nullptr) WEFT_CHECK(link->report_ready());
  wait_for_end(ending, *node, *control, options.embedded);
  control->stop();
  node->stop();
  spdlog::info("stopped");
  return {};
}

}  // namespace weft::tools
