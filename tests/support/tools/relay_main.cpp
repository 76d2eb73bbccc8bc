// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/relay.h"

#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

#include <sys/signalfd.h>
#include <unistd.h>

/// weft-relay LISTEN TARGET [--rtt MS] [--rate MBIT] [--count FILE]
/// [--commands] Prints "listening ADDRESS:PORT" when it can be connected to. SIGUSR1 writes the
/// counts so far; SIGTERM and SIGINT write them and end it.
namespace {

using weft::testing::Relay;

void write_counts(const Relay& relay, const std::string& path) {
  if (path.empty()) return;
  const auto& counts = relay.counts();
  const std::string partial = path + ".partial";
  std::ofstream(partial) << "{\"connections\":" << counts.connections
                         << ",\"to_target\":" << counts.to_target
                         << ",\"to_client\":" << counts.to_client << "}\n";
  std::rename(partial.c_str(), path.c_str());
}

/// Words on stdin, one a line; each is answered with "ok" or "unknown".
class Commands {
 public:
  void run(Relay& relay) {
    std::array<char, 256> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count <= 0) {
      open_ = false;
      return;
    }
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      const bool known = relay.command(pending_.substr(0, end));
      std::puts(known ? "ok" : "unknown");
      std::fflush(stdout);
      pending_.erase(0, end + 1);
    }
  }
  [[nodiscard]] bool open() const { return open_; }

 private:
  std::string pending_;
  bool open_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  weft::testing::RelayOptions options;
  double rtt_ms = 0;
  double rate_mbit = 0;
  std::string count_file;
  bool with_commands = false;
  CLI::App app{"TCP relay that adds delay and limits rate", "weft-relay"};
  app.add_option("listen", options.listen, "ADDRESS:PORT; port 0 takes a free one")->required();
  app.add_option("target", options.target, "ADDRESS:PORT")->required();
  app.add_option("--rtt", rtt_ms, "round trip in ms, half of it each way")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rate", rate_mbit, "Mbit/s each way; 0 = not limited")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--count", count_file, "file for the byte counts, JSON");
  app.add_flag("--commands", with_commands,
               "read pause, resume, reset, down, up, damage, repair from stdin");
  CLI11_PARSE(app, argc, argv);
  options.round_trip = std::chrono::nanoseconds(static_cast<std::int64_t>(rtt_ms * 1e6));
  options.bits_per_second = static_cast<std::uint64_t>(rate_mbit * 1e6);

  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT})
    sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const weft::UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));

  auto relay = Relay::open(options);
  if (!relay) {
    std::fprintf(stderr, "weft-relay: %s\n", relay.error().message().c_str());
    return 1;
  }
  std::printf("listening %s:%u\n", options.listen.substr(0, options.listen.rfind(':')).c_str(),
              unsigned{relay->port()});
  std::fflush(stdout);

  Commands commands;
  bool damaging = false;
  for (;;) {
    const std::array wake{signal_fd.get(), with_commands && commands.open() ? STDIN_FILENO : -1};
    const auto ready = relay->step(std::chrono::seconds(1), wake);
    if (ready[1]) commands.run(*relay);
    signalfd_siginfo info{};
    if (::read(signal_fd.get(), &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGUSR2) {
      damaging = !damaging;
      static_cast<void>(relay->command(damaging ? "damage" : "repair"));
      continue;
    }
    write_counts(*relay, count_file);
    if (info.ssi_signo != SIGUSR1) return 0;
  }
}
