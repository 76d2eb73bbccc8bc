// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/supervisor.h"

#include "fs/supervisor/mount_registry.h"
#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/readiness.h"
#include "fs/supervisor/restart_policy.h"
#include "fs/supervisor/upgrade.h"
#include "fs/supervisor/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace weft::fs {
namespace {

/// How often a mount that has left the mount table is looked at: an unmounted one dies a moment
/// later, one that is in use (`umount -l`) perhaps in weeks.
constexpr Duration first_sweep_pause = std::chrono::milliseconds(20);
constexpr Duration longest_sweep_pause = std::chrono::seconds(1);
/// A killed worker that is still not dead hangs in the kernel: do not wait for it.
constexpr Duration kill_deadline = std::chrono::seconds(5);

TimePoint now() {
  return steady_clock().now();
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options)
      : options_(std::move(options)), readiness_(std::move(options_.ready)) {
    ::prctl(PR_SET_NAME, "weft-supervisor");
    raise_descriptor_limit();
    block_signals();
    mount_events_.reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  }

  int run() {
    start_worker();
    while (!finished_) {
      wait_and_dispatch();
      on_time();
    }
    mounts_.unmount_all();
    return exit_status_;
  }

 private:
  void block_signals() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
      // A signal that is ignored on purpose (nohup) must stay so; blocking it would queue it.
      struct sigaction current{};
      if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) continue;
      ::sigaddset(&wanted, number);
    }
    ::sigprocmask(SIG_BLOCK, &wanted, &original_mask_);
    ::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void start_worker() {
    restart_at_.reset();
    mounts_.begin_generation();
    auto sockets = supervision::make_socket_pair();
    if (!sockets) return on_worker_end_without_start(sockets.error());
    auto process = WorkerProcess::start(options_.executable, options_.arguments, sockets->second,
                                        original_mask_);
    if (!process) return on_worker_end_without_start(process.error());
    spdlog::debug("worker {} started", process->pid());
    worker_.emplace(Worker{std::move(*process), {std::move(sockets->first), mounts_}, now()});
  }

  void on_worker_end_without_start(const Error& error) {
    spdlog::error("{}", error.message());
    decide(ProcessEnd{false, 1}, {});
  }

  void decide(const ProcessEnd& end, Duration lived) {
    const auto verdict = policy_.on_end(end, lived, mounts_.size() > 0);
    if (stopping_ || !verdict.restart) {
      finished_ = true;
      exit_status_ = stopping_ ? 0 : verdict.exit_status;
      return;
    }
    spdlog::error("the worker {}; {} mounts wait for its successor, which starts {}",
                  end.describe(), mounts_.size(),
                  verdict.pause == Duration{}
                      ? "now"
                      : fmt::format("in {} ms", verdict.pause / std::chrono::milliseconds(1)));
    restart_at_ = now() + verdict.pause;
  }

  void wait_and_dispatch() {
    std::array<pollfd, 4 + Upgrade::poll_slots> fds{
        {{signals_.get(), POLLIN, 0},
         {mount_events_.get(), POLLPRI, 0},
         {worker_ ? worker_->process.descriptor() : -1, POLLIN, 0},
         {worker_ ? worker_->server.descriptor() : -1,
          worker_ ? worker_->server.events() : short{0}, 0}}};
    const auto of_upgrade = std::span(fds).last<Upgrade::poll_slots>();
    upgrade_.fill(of_upgrade);
    if (::poll(fds.data(), fds.size(), poll_timeout()) <= 0) return;
    if (fds[0].revents != 0) on_signal();
    if (fds[3].revents != 0) on_request();
    if (fds[1].revents != 0) {
      sweep_pause_ = first_sweep_pause;
      sweep();
    }
    // What is polled is this worker: a promotion below puts another in its place.
    if (fds[2].revents != 0) on_worker_end();
    heed(upgrade_.dispatch(of_upgrade));
  }

  void heed(Upgrade::Need need) {
    if (need == Upgrade::Need::nothing || worker_) return;
    if (stopping_) {
      finished_ = true;
    } else {
      restart_at_ = now();
    }
  }

  [[nodiscard]] int poll_timeout() const {
    std::optional<TimePoint> next;
    for (const auto& time : {restart_at_, stop_at_, sweep_at_, upgrade_.next_time()}) {
      if (time && (!next || *time < *next)) next = time;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
    return static_cast<int>(std::clamp<long>(left, 0, 60'000));
  }

  void on_time() {
    if (finished_) return;
    heed(upgrade_.on_time());
    if (sweep_at_ && now() >= *sweep_at_) sweep();
    if (restart_at_ && now() >= *restart_at_) start_worker();
    if (stop_at_ && now() >= *stop_at_) on_stop_deadline();
  }

  void on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      begin_stop();
  }

  void begin_stop() {
    if (stopping_) return;
    stopping_ = true;
    readiness_.stopping();
    restart_at_.reset();
    spdlog::info("stopping");
    upgrade_.stop();
    if (!worker_ && !upgrade_.busy()) {
      finished_ = true;
      return;
    }
    if (worker_) worker_->process.signal(SIGTERM);
    stop_at_ = now() + options_.stop_deadline;
  }

  void on_stop_deadline() {
    if (killed_ || !worker_) {
      spdlog::error("a worker hangs in the kernel; leaving it behind");
      finished_ = true;
      return;
    }
    spdlog::error("the worker did not stop in time; killing it");
    worker_->process.signal(SIGKILL);
    killed_ = true;
    stop_at_ = now() + kill_deadline;
  }

  void on_request() {
    worker_->server.on_event();
    upgrade_.on_worker_event();
    if (worker_->server.worker_is_ready()) {
      policy_.on_ready();
      readiness_.ready();
    }
  }

  void sweep() {
    sweep_at_.reset();
    if (!mounts_.sweep()) return;
    sweep_at_ = now() + sweep_pause_;
    sweep_pause_ = std::min(sweep_pause_ * 2, longest_sweep_pause);
  }

  void on_worker_end() {
    const auto end = worker_->process.reap();
    if (!end) return;
    const Duration lived = now() - worker_->started;
    worker_.reset();
    sweep();
    if (!upgrade_.on_worker_end()) return decide(*end, lived);
    spdlog::error("the worker {} during an upgrade", end->describe());
  }

  SupervisorOptions options_;
  Readiness readiness_;
  MountRegistry mounts_;
  RestartPolicy policy_;
  sigset_t original_mask_{};
  UniqueFd signals_;
  UniqueFd mount_events_;
  std::optional<Worker> worker_;
  Upgrade upgrade_{{worker_, mounts_, options_.executable, options_.arguments, original_mask_},
                   options_.hand_over};
  std::optional<TimePoint> restart_at_;
  std::optional<TimePoint> stop_at_;  ///< the worker is killed, then given up
  std::optional<TimePoint> sweep_at_;
  Duration sweep_pause_ = first_sweep_pause;
  bool stopping_ = false;
  bool killed_ = false;
  bool finished_ = false;
  int exit_status_ = 0;
};

}  // namespace

int run_supervisor(SupervisorOptions options) {
  return Supervisor(std::move(options)).run();
}

}  // namespace weft::fs
