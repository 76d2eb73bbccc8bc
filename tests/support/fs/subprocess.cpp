// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/subprocess.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::testing {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

[[noreturn]] void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 1'000'000));
}

/// Between fork and exec: only async-signal-safe calls.
struct Child {
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* directory;
  const std::vector<int>& inherit;
  int out;
  int err;

  [[noreturn]] void execute() const {
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    for (const int fd : inherit)
      ::fcntl(fd, F_SETFD, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (directory == nullptr || ::chdir(directory) == 0) {
      ::execvpe(argv[0], argv.data(), environment.data());
    }
    ::_exit(127);
  }
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings)
    result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

/// Appends what is there; closes `pipe` at its end.
void drain(UniqueFd& pipe, std::string& to, std::size_t limit) {
  std::array<char, 65536> buffer;
  const ssize_t n = ::read(pipe.get(), buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) return pipe.reset();
  to.append(buffer.data(),
            std::min(static_cast<std::size_t>(n), limit - std::min(limit, to.size())));
}

}  // namespace

Subprocess::Subprocess(std::vector<std::string> argv, SubprocessOptions options)
    : limit_(options.capture_limit) {
  auto [out_read, out_write] = make_pipe();
  auto [err_read, err_write] = make_pipe();
  std::vector<std::string> environment = std::move(options.environment);
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.emplace_back(*variable);
  const Child child{pointers(argv),
                    pointers(environment),
                    options.directory.empty() ? nullptr : options.directory.c_str(),
                    options.inherit,
                    out_write.get(),
                    err_write.get()};
  pid_ = ::fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ == 0) child.execute();
  out_pipe_ = std::move(out_read);
  err_pipe_ = std::move(err_read);
  exited_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!exited_) give_up("pidfd_open");
}

Subprocess::~Subprocess() {
  kill();
}

void Subprocess::pump(Milliseconds timeout) {
  // An invalid descriptor (-1) is ignored by poll. A grandchild may keep a pipe open after the
  // child ended: what is in it by then is taken, its end is not waited for.
  std::array<pollfd, 3> fds{
      {{out_pipe_.get(), POLLIN, 0}, {err_pipe_.get(), POLLIN, 0}, {exited_.get(), POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(timeout.count())) <= 0) return;
  const bool any_output = fds[0].revents != 0 || fds[1].revents != 0;
  if (fds[0].revents != 0) drain(out_pipe_, out_, limit_);
  if (fds[1].revents != 0) drain(err_pipe_, err_, limit_);
  if (any_output || fds[2].revents == 0) return;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return;
  status_ = WIFSIGNALED(status) ? ExitStatus{true, WTERMSIG(status)}
                                : ExitStatus{false, WEXITSTATUS(status)};
  exited_.reset();
}

std::optional<ExitStatus> Subprocess::wait(Milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  do {
    if (status_) return status_;
    pump(Milliseconds(milliseconds_until(deadline)));
  } while (Clock::now() < deadline);
  return status_;
}

bool Subprocess::wait_for_output(std::string_view text, Milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  const auto seen = [&] { return out_.contains(text) || err_.contains(text); };
  while (!seen() && !status_ && Clock::now() < deadline) {
    pump(Milliseconds(milliseconds_until(deadline)));
  }
  return seen();
}

bool Subprocess::running() {
  return !wait(Milliseconds(0)).has_value();
}

void Subprocess::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

void Subprocess::kill() {
  if (status_ || pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  // A process in an uninterruptible wait dies when that wait ends; do not hang with it.
  static_cast<void>(wait(std::chrono::seconds(10)));
}

Finished run(std::vector<std::string> argv, Milliseconds timeout, SubprocessOptions options) {
  Subprocess child(std::move(argv), std::move(options));
  if (!child.wait(timeout)) child.kill();
  return {child.wait(Milliseconds(0)).value_or(ExitStatus{true, SIGKILL}), child.out(),
          child.err()};
}

}  // namespace weft::testing
