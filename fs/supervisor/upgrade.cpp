// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/upgrade.h"

#include "fs/supervisor/packet_socket.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace supervision;

/// For a replaced worker to end by itself.
constexpr Duration retire_limit = std::chrono::seconds(10);

TimePoint now() {
  return steady_clock().now();
}

/// Kept open: whoever replaces the file later does not change what is started.
Result<UniqueFd> open_binary(const std::string& path) {
  if (!path.starts_with('/')) {
    return fail(Errc::bad_request, Operation::serve, path + ": not an absolute path");
  }
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0) {
    return fail_errno(errno, Operation::serve, path);
  }
  if (!S_ISREG(about.st_mode) || ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0) {
    return fail(Errc::bad_request, Operation::serve, path + ": not an executable file");
  }
  return file;
}

std::string path_of(const UniqueFd& file) {
  return "/proc/self/fd/" + std::to_string(file.get());
}

Error under_way() {
  return {make_error_code(Errc::queue_full), Operation::serve, "an upgrade is under way"};
}

}  // namespace

// --- The old worker.

void Upgrade::on_worker_event() {
  while (host_.worker) {
    auto call = host_.worker->server.take_upgrade_call();
    if (!call) return;
    HandOver::Act act = HandOver::Act::nothing;
    std::optional<std::uint64_t>* waits = nullptr;
    if (auto* upgrade = std::get_if<UpgradeCall>(&call->message)) {
      act = hand_over_.upgrade_called(now());
      waits = &upgrade_request_;
      if (act != HandOver::Act::call_busy) wanted_ = std::move(upgrade->binary);
    } else if (std::holds_alternative<HandOverCall>(call->message)) {
      act = hand_over_.handed_over(now());
      waits = &hand_over_request_;
    }
    if (waits == nullptr || act == HandOver::Act::call_busy) {
      host_.worker->server.reply(call->request, FailedReply{under_way()});
      continue;
    }
    *waits = call->request;
    perform(act);
  }
}

bool Upgrade::on_worker_end() {
  upgrade_request_.reset();
  hand_over_request_.reset();
  perform(hand_over_.old_ended(now()));
  return hand_over_.state() != HandOver::State::idle;
}

void Upgrade::answer_old(std::optional<std::uint64_t>& request, Message reply) {
  if (request && host_.worker) host_.worker->server.reply(*request, std::move(reply));
  request.reset();
}

// --- The candidate.

Result<Worker> Upgrade::start(const std::string& path) {
  WEFT_TRY(binary_, open_binary(path));
  WEFT_TRY(auto sockets, make_socket_pair());
  WEFT_TRY(auto process, WorkerProcess::start(path_of(binary_), host_.arguments, sockets.second,
                                              host_.mask, true));
  return Worker{std::move(process), {std::move(sockets.first), host_.mounts}, now()};
}

void Upgrade::start_candidate() {
  auto started = start(wanted_);
  if (!started) return perform(hand_over_.candidate_ended(std::move(started).error()));
  candidate_.emplace(std::move(*started));
  candidate_->server.restrict_to_upgrade(true);
  spdlog::info("upgrade: {} is checked, process {}", wanted_, candidate_->process.pid());
}

void Upgrade::on_candidate_event() {
  candidate_->server.on_event();
  while (candidate_) {
    const auto call = candidate_->server.take_upgrade_call();
    if (!call) break;
    on_candidate_call(*call);
  }
  if (candidate_ && candidate_->server.garbled()) {
    perform(hand_over_.refused(*candidate_->server.garbled(), now()));
  }
  if (candidate_ && candidate_->server.worker_is_ready()) perform(hand_over_.candidate_ready());
}

void Upgrade::on_candidate_call(const Packet& call) {
  if (const auto* ready = std::get_if<StandByCall>(&call.message)) {
    stand_by_request_ = call.request;
    build_ = ready->build;
    perform(hand_over_.stands_by(now()));
  } else if (const auto* refusal = std::get_if<RefuseCall>(&call.message)) {
    candidate_->server.reply(call.request, DoneReply{});
    perform(hand_over_.refused(refusal->error, now()));
  } else {
    candidate_->server.reply(call.request, FailedReply{under_way()});
  }
}

void Upgrade::on_candidate_end() {
  const auto end = candidate_->process.reap();
  if (!end) return;
  Error why{make_error_code(Errc::helper_failed), Operation::serve,
            "the new binary " + wanted_ + " " + end->describe() + " before it served"};
  candidate_.reset();
  perform(hand_over_.candidate_ended(std::move(why)));
}

// --- What is decided.

void Upgrade::perform(HandOver::Act act) {
  using enum HandOver::Act;
  switch (act) {
    case start_candidate:
      return this->start_candidate();
    case announce:
      return answer_old(
          upgrade_request_,
          StandingByReply{static_cast<std::uint32_t>(candidate_->process.pid()), build_});
    case kill_candidate:
      if (candidate_) candidate_->process.signal(SIGKILL);
      return;
    case refuse:
      spdlog::error("upgrade failed: {}", hand_over_.why().message());
      return answer_old(upgrade_request_, FailedReply{hand_over_.why()});
    case let_serve:
      return this->let_serve();
    case kill_old:
      spdlog::error("upgrade: the worker does not hand over; killing it");
      if (host_.worker) host_.worker->process.signal(SIGKILL);
      return;
    case give_back:
      spdlog::error("upgrade failed: {}; the old worker goes on", hand_over_.why().message());
      host_.mounts.begin_generation();
      return answer_old(hand_over_request_, FailedReply{hand_over_.why()});
    case replace_both:
      spdlog::error("upgrade failed: {}; the old worker has ended, too",
                    hand_over_.why().message());
      need_ = Need::restart;
      return;
    case promote:
      return this->promote();
    case call_busy:
    case nothing:
      return;
  }
}

/// All mounts are inherited by it, whatever the old worker mounted meanwhile.
void Upgrade::let_serve() {
  host_.mounts.begin_generation();
  candidate_->server.restrict_to_upgrade(false);
  if (stand_by_request_) candidate_->server.reply(*stand_by_request_, DoneReply{});
  stand_by_request_.reset();
}

void Upgrade::promote() {
  spdlog::info("upgrade: {} serves, process {}", wanted_, candidate_->process.pid());
  answer_old(hand_over_request_, DoneReply{});
  if (host_.worker) {
    retiring_.emplace(std::move(*host_.worker));
    retire_by_ = now() + retire_limit;
  }
  host_.worker.emplace(std::move(*candidate_));
  candidate_.reset();
  serving_ = std::move(binary_);
  host_.executable = path_of(serving_);
}

void Upgrade::stop() {
  perform(hand_over_.stop(now()));
}

// --- Events and time.

void Upgrade::fill(std::span<pollfd, poll_slots> slots) const {
  const auto fill_two = [](const std::optional<Worker>& worker, pollfd& process, pollfd& socket) {
    process = {worker ? worker->process.descriptor() : -1, POLLIN, 0};
    socket = {worker ? worker->server.descriptor() : -1,
              worker ? worker->server.events() : short{0}, 0};
  };
  fill_two(candidate_, slots[0], slots[1]);
  fill_two(retiring_, slots[2], slots[3]);
}

Upgrade::Need Upgrade::dispatch(std::span<const pollfd, poll_slots> slots) {
  // The replaced worker first: a promotion below puts another in its place.
  if (slots[3].revents != 0 && retiring_) retiring_->server.on_event();
  if (slots[2].revents != 0 && retiring_ && retiring_->process.reap()) {
    retiring_.reset();
    retire_by_.reset();
  }
  if (slots[1].revents != 0 && candidate_) on_candidate_event();
  if (slots[0].revents != 0 && candidate_) on_candidate_end();
  return std::exchange(need_, Need::nothing);
}

std::optional<TimePoint> Upgrade::next_time() const {
  const auto deadline = hand_over_.deadline();
  if (!deadline || !retire_by_) return deadline ? deadline : retire_by_;
  return std::min(*deadline, *retire_by_);
}

Upgrade::Need Upgrade::on_time() {
  perform(hand_over_.at(now()));
  if (candidate_ && hand_over_.state() == HandOver::State::idle) {
    spdlog::error("candidate {} hangs in the kernel; leaving it behind", candidate_->process.pid());
    candidate_.reset();
  }
  if (retire_by_ && now() >= *retire_by_) {
    retire_by_.reset();
    if (retiring_) retiring_->process.signal(SIGKILL);
  }
  return std::exchange(need_, Need::nothing);
}

}  // namespace weft::fs
