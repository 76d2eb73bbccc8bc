// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/boot/boots.h"

#include "indexer/core/mutex.h"
#include "tests/bench/fs/minimal_fuse.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/guest.h"

#include <chrono>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/mount.h>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The slowest way over the thinnest link.
constexpr auto patience = 30min;
constexpr std::uint64_t sector = 512;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void wait_until_ready(testing::Guest& guest) {
  if (!guest.wait_until_ready(patience))
    throw std::runtime_error("the guest did not come up: " + guest.console());
  if (const auto errors = guest.disk_errors(); !errors.empty())
    throw std::runtime_error("the guest saw a broken disk: " + errors);
}

/// The smallest file system with `disk` in it, served by a thread; the destructor unmounts it.
class Watched {
 public:
  Watched(const std::filesystem::path& disk, std::string target, MinimalObserver observe)
      : target_(std::move(target)), observe_(std::move(observe)), thread_([this, disk] {
          served_ = serve_minimal(target_, disk, 2, [this] { ready_.release(); }, observe_);
          ready_.release();
        }) {
    ready_.acquire();
  }
  ~Watched() { static_cast<void>(::umount2(target_.c_str(), MNT_DETACH)); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  std::string target_;
  MinimalObserver observe_;
  std::counting_semaphore<> ready_{0};
  bool served_ = false;
  std::jthread thread_;
};

}  // namespace

Boot boot_guest(Way& way) {
  way.set_up();
  const auto start = Clock::now();
  way.open();
  testing::Guest guest(way.drive());
  wait_until_ready(guest);
  return {seconds_since(start), way.received()};
}

Boot boot_replayed(Way& way, const testing::ReadTrace& trace, double scale) {
  way.set_up();
  const auto start = Clock::now();
  way.open();
  static_cast<void>(testing::replay(trace, way.file(), scale));
  // What the guest still does when it has read all is thinking, too.
  return {seconds_since(start) + std::chrono::duration<double>(trace.rest).count() * scale,
          way.received()};
}

testing::ReadTrace record_reads(const std::filesystem::path& disk,
                                const std::filesystem::path& scratch) {
  const test::TempDirectory place(scratch);
  Mutex mutex;
  std::vector<testing::SeenRead> seen;
  const Watched watched(disk, place.path(), [&](const MinimalRead& read) {
    // QEMU tries which alignment a file demands; a guest reads whole sectors.
    if (read.offset % sector != 0 || read.size % sector != 0) return;
    const Lock lock(mutex);
    seen.push_back(
        {read.offset, read.size, read.begin.time_since_epoch(), read.end.time_since_epoch()});
  });
  const auto start = Clock::now();
  testing::Guest guest(place / "disk.raw");
  wait_until_ready(guest);
  const auto ready = Clock::now();
  const Lock lock(mutex);
  return testing::trace_of(seen, start.time_since_epoch(), ready.time_since_epoch());
}

void record_profile(const testing::WeftNode& node, const std::string& name,
                    const std::filesystem::path& scratch) {
  const test::TempDirectory place(scratch);
  const auto must = [](const testing::Finished& done, const char* what) {
    if (!done.status.ok()) throw std::runtime_error(std::string(what) + ": " + done.err);
  };
  must(node.weft({"mount", name, place.path()}), "weft mount");
  {
    testing::Guest guest(place / (name + ".raw"));
    wait_until_ready(guest);
  }
  must(node.weft({"umount", place.path()}), "weft umount");
  must(node.weft({"profile", "show", name}), "no profile was recorded");
}

}  // namespace weft::bench
