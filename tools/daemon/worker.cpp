// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/worker.h"

#include "fs/supervisor/direct_keeper.h"
#include "fs/supervisor/worker_link.h"
#include "indexer/store/state_check.h"
#include "tools/api/control_client.h"
#include "tools/api/control_server.h"
#include "tools/api/handlers.h"
#include "tools/api/metrics_server.h"
#include "tools/daemon/hand_over_mark.h"
#include "tools/daemon/idle_rule.h"
#include "tools/daemon/node.h"
#include "tools/daemon/pause.h"
#include "tools/daemon/upgrade_desk.h"
#include "tools/version.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <ctime>

#include <pthread.h>
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

enum class End { stop, hand_over };

End wait_for_end(const sigset_t& ending, Node& node, const ControlServer& control, bool embedded) {
  constexpr timespec quarter_second{0, 250'000'000};
  IdleRule idle(steady_clock().now());
  for (;;) {
    if (::sigtimedwait(&ending, nullptr, &quarter_second) == SIGTERM) {
      spdlog::info("stopping reason=\"SIGTERM\"");
      return End::stop;
    }
    if (node.upgrades()->state() == UpgradeDesk::State::due) return End::hand_over;
    if (!embedded) continue;
    if (!idle.update(node.busy() || control.active() > 0, steady_clock().now())) continue;
    if (node.upgrades()->state() != UpgradeDesk::State::idle) continue;
    spdlog::info("stopping reason=\"no mount and no job left\"");
    return End::stop;
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

/// A candidate: says that it could serve, or why not, and waits for its turn.
Result<void> stand_by(fs::WorkerLink& link, const Config& config) {
  if (const auto able = check_state_as_it_is(config.state); !able) {
    link.refuse(able.error());
    return able;
  }
  spdlog::info("standing by version={} pid={}", version, ::getpid());
  return link.stand_by(std::string(version));
}

/// The node of a process, from its start until it ends or is handed over.
class Serving {
 public:
  Serving(const WorkerOptions& options, const sigset_t& ending, fs::MountKeeper& keeper,
          fs::WorkerLink* link)
      : options_(options),
        ending_(ending),
        keeper_(keeper),
        link_(link),
        desk_(link),
        hopeless_(options.standby ? fs::Hopeless::fail : fs::Hopeless::unmount) {}

  Result<void> run() {
    for (;;) {
      WEFT_TRY(const End end, serve());
      if (end == End::stop) return {};
      const auto handed = link_->hand_over();
      if (handed) {
        spdlog::info("handed over");
        return {};
      }
      spdlog::error("upgrade failed, serving again reason=\"{}\"", handed.error().message());
      desk_.failed(handed.error());
    }
  }

 private:
  /// An error leaves the mounts to the supervisor, as the end of the node does: a successor, or the
  /// worker that this one was to replace, serves them. After a first start there is none, and the
  /// supervisor unmounts them.
  Result<End> serve() {
    WEFT_TRY(auto node, start_node({options_.config, true, &keeper_, &desk_, hopeless_}));
    hopeless_ = fs::Hopeless::unmount;
    WEFT_TRY(auto metrics, start_metrics(*node));
    // Last: who asked for an upgrade takes an answer of this process for its success.
    ControlServerOptions control_options;
    control_options.socket = control_socket(options_.config);
    WEFT_TRY(auto control, ControlServer::start(*node, std::move(control_options)));
    clear_hand_over_mark(options_.config.state);
    spdlog::info("node ready version={} node={} name=\"{}\" state={} pid={}", version,
                 to_hex(node->store().node_id()), node->name(), node->store().directory().string(),
                 ::getpid());
    WEFT_CHECK(report_ready());
    const End end = wait_for_end(ending_, *node, *control, options_.embedded);
    if (end == End::hand_over) set_hand_over_mark(options_.config.state);
    metrics.reset();
    control->stop();
    if (end == End::stop) {
      node->stop();
      spdlog::info("stopped");
      return end;
    }
    node->suspend();
    // The state directory is free when the last of it is gone.
    control.reset();
    node.reset();
    spdlog::info("suspended");
    return end;
  }

  /// A supervisor that is lost has nobody to tell; what is mounted is served without it.
  [[nodiscard]] Result<void> report_ready() const {
    if (link_ == nullptr) return {};
    auto reported = link_->report_ready();
    if (!reported && reported.error().is(Errc::cancelled)) return {};
    return reported;
  }

  /// Null: they are not asked for.
  [[nodiscard]] Result<std::unique_ptr<MetricsServer>> start_metrics(Node& node) const {
    if (!options_.config.metrics) return std::unique_ptr<MetricsServer>();
    return MetricsServer::start(*options_.config.metrics, [&node]() -> Result<std::string> {
      WEFT_TRY(const auto answer, api::get_metrics(node, {}, {}));
      return std::string(answer.at("text").as_string());
    });
  }

  const WorkerOptions& options_;
  const sigset_t& ending_;
  fs::MountKeeper& keeper_;
  fs::WorkerLink* const link_;
  UpgradeDesk desk_;
  fs::Hopeless hopeless_;  ///< of the next start
};

}  // namespace

Result<void> run_worker(WorkerOptions options) {
  // Else the name of the descriptor that it was started from.
  ::pthread_setname_np(::pthread_self(), "weft-worker");
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
  if (options.standby && link != nullptr) WEFT_CHECK(stand_by(*link, options.config));
  const auto served = Serving(options, ending, *keeper, link).run();
  // The old worker tells whoever asked for the upgrade.
  if (!served && options.standby && link != nullptr) link->refuse(served.error());
  return served;
}

}  // namespace weft::tools
