// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/qemu_nbd.h"

#include "indexer/import/nbd/private_socket.h"
#include "indexer/import/nbd/sandbox.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr std::string_view program_name = "qemu-nbd";
// Where QEMU, like every program started by systemd, expects the first socket it is given.
constexpr int socket_number = 3;
constexpr rlim_t most_messages = 64 << 10;
constexpr Duration longest_death = std::chrono::seconds(10);

std::optional<std::filesystem::path> find_program() {
  const char* const path = ::secure_getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::filesystem::path file = std::filesystem::path(rest.substr(0, end)) / program_name;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (file.is_absolute() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings)
    result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

// Out of the way of the numbers that the child gives a meaning.
UniqueFd moved_up(UniqueFd fd) {
  if (!fd || fd.get() > socket_number) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, socket_number + 1));
}

constexpr std::string_view pid_variable = "LISTEN_PID=";

// This process's, but for what concerns its own sockets. The process id is filled in later.
std::vector<std::string> environment_for_socket() {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("LISTEN_") && !text.starts_with("LC_ALL=")) result.emplace_back(text);
  }
  result.emplace_back("LC_ALL=C");
  result.emplace_back("LISTEN_FDS=1");
  result.push_back(std::string(pid_variable) + std::string(20, '\0'));
  return result;
}

// What happens between fork and exec: system calls only, for other threads may hold any lock.
struct Child {
  std::string program;
  std::vector<char*> arguments;
  std::vector<char*> environment;  // the last but one is LISTEN_PID
  std::span<const int> descriptors;
  const Sandbox& sandbox;
  int listener;
  int messages;
  int null;
  pid_t parent;

  [[noreturn]] void execute() const {
    ::dup2(null, 0);
    ::dup2(null, 1);
    ::dup2(messages, 2);
    ::dup2(listener, socket_number);
    ::syscall(SYS_close_range, socket_number + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int fd : descriptors)
      ::fcntl(fd, F_SETFD, 0);
    ::setpgid(0, 0);  // ctrl-C in the terminal is for weft, which then ends this
    const rlimit messages_limit{.rlim_cur = most_messages, .rlim_max = most_messages};
    ::setrlimit(RLIMIT_FSIZE, &messages_limit);
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGXFSZ, SIG_IGN);
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(1);
    write_pid();
    if (!sandbox.enter()) give_up("cannot be confined");
    ::execve(program.c_str(), arguments.data(), environment.data());
    give_up("cannot be run");
  }

  void write_pid() const {
    std::array<char, 20> digits;
    std::size_t first = digits.size();
    for (pid_t pid = ::getpid(); pid > 0; pid /= 10)
      digits[--first] = static_cast<char>('0' + pid % 10);
    char* const value = environment[environment.size() - 2] + pid_variable.size();
    std::memcpy(value, digits.data() + first, digits.size() - first);
  }

  [[noreturn]] static void give_up(std::string_view why) {
    static_cast<void>(!::write(2, why.data(), why.size()));
    ::_exit(127);
  }
};

int milliseconds(Duration timeout) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return static_cast<int>(std::clamp<long>(count, 0, 3'600'000));
}

}  // namespace

QemuNbd::QemuNbd(pid_t pid, UniqueFd handle, UniqueFd messages, std::vector<UniqueFd> sockets)
    : pid_(pid),
      handle_(std::move(handle)),
      messages_(std::move(messages)),
      sockets_(std::move(sockets)) {}

Result<std::unique_ptr<QemuNbd>> QemuNbd::start(const BlockGraph& graph, std::size_t connections) {
  const auto program = find_program();
  if (!program) {
    return fail(Errc::unsupported, Operation::import,
                "images that are not raw are read by qemu-nbd, which is not installed: install "
                "the package qemu-utils");
  }
  WEFT_TRY(PrivateSocket socket, PrivateSocket::make(connections));
  const UniqueFd listener = moved_up(std::move(socket.listener));
  UniqueFd messages = moved_up(UniqueFd(::memfd_create("messages", MFD_CLOEXEC)));
  const UniqueFd null = moved_up(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  if (!listener || !messages || !null)
    return fail_errno(errno, Operation::import, program->string());
  std::vector<std::string> arguments{program->string(), "--read-only",
                                     "--shared=" + std::to_string(connections), graph.argument()};
  std::vector<std::string> environment = environment_for_socket();
  const Sandbox sandbox = Sandbox::reading(*program, graph.descriptors());
  const Child child{.program = program->string(),
                    .arguments = pointers(arguments),
                    .environment = pointers(environment),
                    .descriptors = graph.descriptors(),
                    .sandbox = sandbox,
                    .listener = listener.get(),
                    .messages = messages.get(),
                    .null = null.get(),
                    .parent = ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, Operation::import, program->string());
  if (pid == 0) child.execute();
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle) {
    const int problem = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno(problem, Operation::import, program->string());
  }
  return std::unique_ptr<QemuNbd>(
      new QemuNbd(pid, std::move(handle), std::move(messages), std::move(socket.clients)));
}

QemuNbd::~QemuNbd() {
  kill();
  // A process in an uninterruptible wait dies when that wait ends: do not hang with it.
  if (end_within(longest_death)) ::waitpid(pid_, nullptr, 0);
}

void QemuNbd::kill() noexcept {
  ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
}

std::optional<std::string> QemuNbd::end_within(Duration timeout) const {
  pollfd ended{.fd = handle_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, milliseconds(timeout)) < 0 && errno == EINTR) {
  }
  siginfo_t info{};
  constexpr int peek = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, peek) != 0 || info.si_pid != pid_) {
    return std::nullopt;
  }
  if (info.si_code == CLD_EXITED) return "exited with status " + std::to_string(info.si_status);
  const char* const name = ::sigabbrev_np(info.si_status);
  return name != nullptr ? std::string("was killed by SIG") + name
                         : "was killed by signal " + std::to_string(info.si_status);
}

std::string QemuNbd::said() const {
  std::string text(most_messages, '\0');
  const ssize_t size = ::pread(messages_.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace weft
