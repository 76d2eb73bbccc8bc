// SPDX-License-Identifier: Apache-2.0
// Resident reads through a weft mount against the same bytes in a plain file on the same disk, and
// against the smallest pass-through file system FUSE allows. Rounds are interleaved; figures are
// medians of the ratios of one round, so that a busy machine weighs on both sides.
#include "fs/mount/mount_manager.h"
#include "fs/supervisor/direct_keeper.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/importer.h"
#include "indexer/store/store.h"
#include "tests/bench/fs/fio.h"
#include "tests/bench/fs/minimal_fuse.h"
#include "tests/bench/report.h"
#include "tests/support/fs/mount_sandbox.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::bench {
namespace {

constexpr std::size_t file_mib = 256;

/// Everything is resident: nobody may ask for a fetch.
class NoFetcher final : public fetcher::BlockFetcher {
 public:
  fetcher::FetchTicket read(fetcher::DemandRead /*request*/, Done done) override {
    done(fail(Errc::no_source, Operation::fetch, "the benchmark has no peers"));
    return fetcher::FetchTicket{0};
  }
  void cancel(fetcher::FetchTicket /*ticket*/) override {}
};

/// A server in a process of its own, as a daemon would be. Ends with this process.
class Server {
 public:
  explicit Server(const std::function<void(const std::function<void()>& ready)>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      body([&] { (void)!::write(ends[1], "r", 1); });
      ::_exit(0);
    }
    ::close(ends[1]);
    char byte = 0;
    ready_ = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
  }
  ~Server() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] bool ready() const { return ready_; }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

bool make_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::vector<std::uint64_t> chunk((1 << 20) / sizeof(std::uint64_t));
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < file_mib; ++i) {
    std::ranges::generate(chunk, random);
    if (::write(file.get(), chunk.data(), 1 << 20) != 1 << 20) return false;
  }
  return ::fsync(file.get()) == 0;
}

/// With passthrough, ready means that the kernel serves the next open by itself.
struct WeftServer {
  std::string state;
  std::string raw;
  std::string target;
  unsigned channels = 2;
  fs::PassthroughPolicy passthrough = fs::PassthroughPolicy::off;
};

bool wait_for_passthrough(const fs::MountManager& manager) {
  for (int i = 0; i < 600; ++i) {
    const std::string obstacle = manager.list().at(0).opens.obstacle;
    if (obstacle.empty()) return true;
    if (obstacle.find("whole") == std::string::npos) break;
    ::usleep(50'000);
  }
  std::fprintf(stderr, "no passthrough: %s\n", manager.list().at(0).opens.obstacle.c_str());
  return false;
}

void serve_weft(const WeftServer& server, const std::function<void()>& ready) {
  const auto& [state, raw, target, channels, passthrough] = server;
  auto store = Store::open(posix_file_system(), {.directory = state});
  if (!store) return;
  WorkerPool pool({.threads = 2});
  const auto imported = import_file(**store, posix_file_system(), pool,
                                    {.name = "disk", .path = raw, .mode = ImportMode::copy},
                                    [](const ImportProgress&) {}, {});
  if (!imported) {
    std::fprintf(stderr, "%s\n", imported.error().message().c_str());
    return;
  }
  auto image = (*store)->image(imported->info.id);
  const auto keeper = fs::make_direct_mount_keeper();
  NoFetcher fetcher;
  fs::MountManager manager(*keeper, fetcher,
                           {.channels = channels, .passthrough = passthrough, .forbidden = {}});
  const auto mounted =
      manager.mount({.image = *image, .name = "disk", .target = target, .kind = {}, .policy = {}});
  if (!mounted) {
    std::fprintf(stderr, "%s\n", mounted.error().message().c_str());
    return;
  }
  if (passthrough != fs::PassthroughPolicy::off && !wait_for_passthrough(manager)) return;
  ready();
  while (true)
    ::pause();
}

/// Gives up the cached pages of every file below `directory`.
void drop_cached(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const UniqueFd file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

struct Scenario {
  const char* name;
  FioJob job;           ///< through a mount
  FioJob reference;     ///< on the plain file
  bool cold = false;    ///< what backs the mounts is not in the page cache
  bool passed = false;  ///< through the mount that the kernel serves by itself
  Bound against_file{};
  Bound against_minimal{};
};

std::vector<Scenario> scenarios() {
  const auto job = [](bool direct, bool random, unsigned kib, unsigned depth) {
    FioJob j;
    j.direct = direct;
    j.random = random;
    j.block_kib = kib;
    j.depth = depth;
    if (!random) j.limit_mib = file_mib;
    return j;
  };
  const Bound must = Bound::at_least(0.9);
  FioJob cached_cold = job(false, false, 1024, 1);
  cached_cold.drop_cache = true;
  const auto passed = [](const char* name, FioJob j, Bound bound) {
    return Scenario{name, j, j, false, true, bound, {}};
  };
  // disk: the page cache holds nothing of what backs the mounts. warm: it holds all of it, while
  // O_DIRECT on the plain file goes to the disk. vs_memory: against the plain file in the page
  // cache, which no FUSE file system without passthrough can reach. again: the kernel answers from
  // its cache of the mounted file, and the daemon has no part in it. passed: passthrough, the same
  // job on mount and file; the other rows are served by the daemon.
  return {
      passed("passed_direct_1m", job(true, false, 1024, 1), must),
      passed("passed_direct_1m_qd4", job(true, false, 1024, 4), must),
      passed("passed_cached_1m", job(false, false, 1024, 1), {}),
      passed("passed_direct_4k_qd1", job(true, true, 4, 1), {}),
      passed("passed_direct_4k_qd32", job(true, true, 4, 32), {}),
      passed("passed_cached_4k_qd1", job(false, true, 4, 1), {}),
      {"direct_1m_disk", job(true, false, 1024, 1), job(true, false, 1024, 1), true, false, must,
       must},
      {"direct_1m_warm", job(true, false, 1024, 1), job(true, false, 1024, 1), false, false, must,
       must},
      {"direct_1m_qd4_warm",
       job(true, false, 1024, 4),
       job(true, false, 1024, 4),
       false,
       false,
       {},
       must},
      {"direct_1m_vs_memory",
       job(true, false, 1024, 1),
       job(false, false, 1024, 1),
       false,
       false,
       {},
       {}},
      {"direct_4k_qd1_disk", job(true, true, 4, 1), job(true, true, 4, 1), true, false, {}, {}},
      {"direct_4k_qd1_warm", job(true, true, 4, 1), job(true, true, 4, 1), false, false, {}, must},
      {"direct_4k_qd32_warm",
       job(true, true, 4, 32),
       job(true, true, 4, 32),
       false,
       false,
       {},
       must},
      {"cached_1m_first", cached_cold, cached_cold, false, false, {}, must},
      {"cached_1m_again",
       job(false, false, 1024, 1),
       job(false, false, 1024, 1),
       false,
       false,
       {},
       must},
      {"cached_4k_qd1_again",
       job(false, true, 4, 1),
       job(false, true, 4, 1),
       false,
       false,
       {},
       must},
      {"cached_4k_qd32_again",
       job(false, true, 4, 32),
       job(false, true, 4, 32),
       false,
       false,
       {},
       must},
  };
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::nth_element(values, values.begin() + std::ssize(values) / 2);
  return values[values.size() / 2];
}

struct Places {
  std::string raw;
  std::string backing;  ///< copy of `raw` behind the minimal file system
  std::string state;
  std::string weft;    ///< image file in the mount
  std::string passed;  ///< the same, served by the kernel
  std::string minimal;
};

void measure(const Scenario& scenario, const Places& places, int rounds, Report& report) {
  std::vector<double> speed;
  std::vector<double> against_file;
  std::vector<double> against_minimal;
  for (int round = 0; round < rounds; ++round) {
    const auto run = [&](FioJob job, const std::string& file) {
      job.file = file;
      if (scenario.cold) drop_cached(places.state);
      return run_fio(job);
    };
    const auto file = run(scenario.reference, places.raw);
    // In turns: whoever comes second finds caches and CPUs as the first has left them.
    const bool weft_first = round % 2 == 0;
    const auto first = run(scenario.job, weft_first ? places.weft : places.minimal);
    const auto second = run(scenario.job, weft_first ? places.minimal : places.weft);
    const auto& weft = weft_first ? first : second;
    const auto& minimal = weft_first ? second : first;
    if (!file || !weft || !minimal) return report.failed(scenario.name);
    speed.push_back(*weft / (1 << 20));
    against_file.push_back(*weft / *file);
    against_minimal.push_back(*weft / *minimal);
  }
  const std::string name = scenario.name;
  report.add(name, median(speed), "MiB/s");
  report.add(name + "_vs_file", median(against_file), "x", scenario.against_file);
  report.add(name + "_vs_minimal", median(against_minimal), "x", scenario.against_minimal);
}

/// Mount and file in turns; a server has no part in it, so none is beside it.
void measure_passed(const Scenario& scenario, const Places& places, int rounds, Report& report) {
  std::vector<double> speed;
  std::vector<double> against_file;
  for (int round = 0; round < rounds; ++round) {
    const auto run = [&](const std::string& file) {
      FioJob job = scenario.job;
      job.file = file;
      return run_fio(job);
    };
    const bool mount_first = round % 2 == 0;
    const auto first = run(mount_first ? places.passed : places.raw);
    const auto second = run(mount_first ? places.raw : places.passed);
    if (!first || !second) return report.failed(scenario.name);
    speed.push_back((mount_first ? *first : *second) / (1 << 20));
    against_file.push_back(mount_first ? *first / *second : *second / *first);
  }
  const std::string name = scenario.name;
  report.add(name, median(speed), "MiB/s");
  report.add(name + "_vs_file", median(against_file), "x", scenario.against_file);
}

int number_after(std::string_view flag, int argc, char** argv, int fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] != flag) continue;
    const std::string_view text = argv[i + 1];
    std::from_chars(text.data(), text.data() + text.size(), fallback);
  }
  return fallback;
}

std::string text_after(std::string_view flag, int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == flag) return argv[i + 1];
  }
  return "";
}

int run(int argc, char** argv) {
  Report report("mount", argc, argv);
  if (const auto why = testing::why_no_fuse(); !why.empty()) {
    report.failed(why);
    return report.finish();
  }
  spdlog::set_level(spdlog::level::warn);
  const testing::MountSandbox sandbox;
  Places places{.raw = (sandbox.path() / "plain.raw").string(),
                .backing = sandbox.directory("state") + "/minimal.raw",
                .state = sandbox.directory("state"),
                .weft = sandbox.directory("weft") + "/disk.raw",
                .passed = sandbox.directory("passed") + "/disk.raw",
                .minimal = sandbox.directory("minimal") + "/disk.raw"};
  const auto channels = static_cast<unsigned>(number_after("--channels", argc, argv, 2));
  const int rounds = number_after("--rounds", argc, argv, 5);
  const std::string only = text_after("--only", argc, argv);
  if (!make_file(places.raw) || !make_file(places.backing)) {
    report.failed("cannot write the test files");
    return report.finish();
  }
  const Server weft([&](const auto& ready) {
    serve_weft({.state = places.state + "/weft",
                .raw = places.raw,
                .target = sandbox.directory("weft"),
                .channels = channels},
               ready);
  });
  const Server passed([&](const auto& ready) {
    serve_weft({.state = places.state + "/passed",
                .raw = places.raw,
                .target = sandbox.directory("passed"),
                .channels = channels,
                .passthrough = fs::PassthroughPolicy::automatic},
               ready);
  });
  const Server minimal([&](const auto& ready) {
    (void)serve_minimal(sandbox.directory("minimal"), places.backing, channels, ready);
  });
  if (!weft.ready() || !passed.ready() || !minimal.ready()) {
    report.failed("the mounts could not be made");
    return report.finish();
  }
  for (const Scenario& scenario : scenarios()) {
    if (only.empty() || std::string_view(scenario.name).contains(only)) {
      (scenario.passed ? measure_passed : measure)(scenario, places, rounds, report);
    }
  }
  return report.finish();
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  return weft::bench::run(argc, argv);
}
