// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/weft_node.h"

#include "indexer/core/unique_fd.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string told(const Finished& finished) {
  return "exit " + std::to_string(finished.status.code) + "\n" + finished.out + finished.err;
}

}  // namespace

std::uint16_t free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
  if (::bind(fd.get(), generic, length) != 0 || ::getsockname(fd.get(), generic, &length) != 0)
    throw std::system_error(errno, std::generic_category(), "bind");
  return ntohs(address.sin_port);
}

std::string weft_binary() {
  return WEFT_BINARY;
}

Finished run_weft(std::vector<std::string> arguments, std::chrono::milliseconds timeout) {
  arguments.insert(arguments.begin(), WEFT_BINARY);
  return run(std::move(arguments), timeout);
}

std::vector<pid_t> descendants(pid_t parent) {
  std::vector<pid_t> found;
  std::error_code gone;
  const auto tasks = "/proc/" + std::to_string(parent) + "/task";
  // Each thread has the children that it started.
  for (std::filesystem::directory_iterator task(tasks, gone), end; task != end;
       task.increment(gone)) {
    std::ifstream children(task->path() / "children");
    for (pid_t child = 0; children >> child;) {
      found.push_back(child);
      for (const pid_t deeper : descendants(child))
        found.push_back(deeper);
    }
  }
  return found;
}

void unmount_below(const std::filesystem::path& directory) {
  std::vector<std::string> targets;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string source;
    std::string target;
    fields >> source >> target;
    if (target == directory || target.starts_with(directory.string() + "/"))
      targets.push_back(target);
  }
  std::ranges::reverse(targets);
  for (const auto& target : targets) {
    if (::umount2(target.c_str(), 0) != 0) ::umount2(target.c_str(), MNT_DETACH);
  }
}

WeftNode::WeftNode(std::filesystem::path state, std::vector<std::string> settings, NodePlace place)
    : state_(std::move(state)),
      port_(free_port()),
      settings_(std::move(settings)),
      place_(std::move(place)) {
  std::filesystem::create_directories(state_.parent_path());
}

WeftNode::~WeftNode() {
  if (daemon_ && daemon_->running()) {
    thaw();
    daemon_->signal(SIGTERM);
    if (!daemon_->wait(20s)) kill_all();
  }
  unmount_below(state_.parent_path());
}

void WeftNode::start() {
  // To a file: nobody reads the daemon's pipe while a test waits for something else.
  std::vector<std::string> argv = place_.prefix;
  for (std::string argument :
       {weft_binary(), std::string("--state"), state_.string(), std::string("daemon"),
        std::string("--listen"), address(), std::string("--log-file"), log_file().string()})
    argv.push_back(std::move(argument));
  if (!place_.host.starts_with("127.")) argv.emplace_back("--insecure");
  argv.insert(argv.end(), settings_.begin(), settings_.end());
  daemon_ = std::make_unique<Subprocess>(std::move(argv));
  const auto end = Clock::now() + 20s;
  while (!answers()) {
    if (!daemon_->running() || Clock::now() > end)
      throw std::runtime_error("the daemon does not answer:\n" + daemon_->err() + log());
    static_cast<void>(daemon_->wait(20ms));
  }
}

ExitStatus WeftNode::stop() {
  daemon_->signal(SIGTERM);
  const auto status = daemon_->wait(20s);
  if (!status) {
    kill_all();
    throw std::runtime_error("the daemon does not stop:\n" + log());
  }
  return *status;
}

void WeftNode::kill_all() {
  daemon_->signal(SIGSTOP);  // so that it starts no other worker meanwhile
  std::vector<UniqueFd> dying;
  for (const pid_t process : descendants(daemon_->pid())) {
    dying.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    ::kill(process, SIGKILL);
  }
  daemon_->kill();
  // Until the last of them is gone, its control socket still takes connections nobody will answer.
  for (const UniqueFd& process : dying) {
    pollfd gone{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (process && ::poll(&gone, 1, 20'000) != 1)
      throw std::runtime_error("a killed process does not end");
  }
}

void WeftNode::freeze() {
  daemon_->signal(SIGSTOP);
  for (const pid_t process : descendants(daemon_->pid()))
    ::kill(process, SIGSTOP);
}

void WeftNode::thaw() {
  for (const pid_t process : descendants(daemon_->pid()))
    ::kill(process, SIGCONT);
  daemon_->signal(SIGCONT);
}

bool WeftNode::answers() const {
  // Not with the command: where no daemon answers, it opens the state directory itself.
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = (state_ / "control.sock").string();
  if (path.size() >= sizeof address.sun_path) throw std::length_error(path);
  path.copy(address.sun_path, path.size());
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  return ::connect(fd.get(), generic, sizeof address) == 0;
}

std::string WeftNode::log() const {
  std::ostringstream text;
  text << std::ifstream(log_file()).rdbuf();
  return text.str();
}

pid_t WeftNode::worker() const {
  const auto children = descendants(daemon_->pid());
  return children.empty() ? -1 : children.front();
}

pid_t WeftNode::kill_worker() {
  const pid_t old = worker();
  if (old <= 0) throw std::runtime_error("the daemon has no worker");
  ::kill(old, SIGKILL);
  return old;
}

bool WeftNode::wait_for_new_worker(pid_t old, std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  while (Clock::now() < end) {
    const pid_t now = worker();
    if (now > 0 && now != old && answers()) return true;
    static_cast<void>(daemon_->wait(20ms));
  }
  return false;
}

Finished WeftNode::weft(std::vector<std::string> arguments,
                        std::chrono::milliseconds timeout) const {
  arguments.insert(arguments.begin(), {"--state", state_});
  return run_weft(std::move(arguments), timeout);
}

boost::json::value WeftNode::query(std::vector<std::string> arguments) const {
  arguments.emplace_back("--json");
  const auto finished = weft(std::move(arguments));
  if (!finished.status.ok()) throw std::runtime_error(told(finished));
  boost::system::error_code error;
  auto value = boost::json::parse(finished.out, error);
  if (error) throw std::runtime_error("not JSON: " + told(finished));
  return value;
}

}  // namespace weft::testing
