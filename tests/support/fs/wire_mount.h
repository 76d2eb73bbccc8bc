// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/read/process_state.h"
#include "fs/read/read_service.h"
#include "fs/record/touch_log.h"
#include "fs/session/fuse_session.h"
#include "fs/session/image_opens.h"
#include "fs/session/served_image.h"
#include "tests/support/fs/fake_fetcher.h"
#include "tests/support/fs/fuse_wire.h"
#include "tests/support/fs/memory_image.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

namespace weft::testing {

/// Processes by decree. Thread-safe once the readers run.
class FakeProcesses final : public fs::ProcessTable {
 public:
  void set(std::uint32_t thread_id, std::optional<fs::ThreadState> state) {
    const Lock lock(mutex_);
    threads_[thread_id] = state;
  }
  [[nodiscard]] std::optional<fs::ThreadState> thread(std::uint32_t thread_id) const override {
    const Lock lock(mutex_);
    const auto at = threads_.find(thread_id);
    return at == threads_.end() ? fs::ThreadState{} : at->second;
  }
  [[nodiscard]] bool process_lives(std::uint32_t process_id) const override {
    const Lock lock(mutex_);
    for (const auto& [id, state] : threads_) {
      if (state && state->process_id == process_id && !is_dying(*state)) return true;
    }
    return false;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::uint32_t, std::optional<fs::ThreadState>> threads_ WEFT_GUARDED_BY(mutex_);
};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const noexcept override { return TimePoint(Duration(now_.load())); }
  void advance(Duration by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{std::chrono::nanoseconds(std::chrono::hours(1)).count()};
};

/// A session and its read path over a FuseWire: everything of a mount but the kernel.
struct WireMount {
  struct Options {
    fs::TargetKind kind = fs::TargetKind::directory;
    std::size_t size = 300 * 4096 + 100;
    fs::ReadPolicy policy{};
    std::size_t pending_limit = 64;
    unsigned channels = 2;
    bool inherited = false;
    /// Given: what is mounted is a disk over the image, made by it.
    std::function<std::shared_ptr<WritableDisk>(std::shared_ptr<LocalImage>)> disk{};
    fs::TouchLog* touches = nullptr;
  };

  explicit WireMount(Options options)
      : image(std::make_shared<MemoryImage>(make_content(options.size, 1))),
        fetcher(bring_from(image->content()), clock),
        disk(options.disk ? options.disk(image) : nullptr),
        wire(options.channels),
        reads(image, fetcher,
              {.name = "test",
               .policy = options.policy,
               .disk = disk,
               .pending_limit = options.pending_limit,
               .touches = options.touches},
              clock, processes),
        opens({.image = image, .table = {}, .backing = {}}),
        served{.image = image,
               .kind = options.kind,
               .file_name = "test.raw",
               .reads = reads,
               .opens = opens,
               .disk = disk} {
    auto started = fs::FuseSession::start(wire.handle(options.kind, options.inherited), served,
                                          {.name = "test", .ended = [this] { ended = true; }});
    if (!started) throw std::runtime_error(started.error().message());
    session = std::move(*started);
    init_reply = wire.reply(0);
  }
  ~WireMount() { stop(); }
  WireMount(const WireMount&) = delete;
  WireMount& operator=(const WireMount&) = delete;

  void stop() {
    if (!session) return;
    session->stop();
    reads.close();
    session.reset();
  }

  [[nodiscard]] std::uint64_t node() const { return served.image_node(); }

  ManualClock clock;
  FakeProcesses processes;
  std::shared_ptr<MemoryImage> image;
  FakeFetcher fetcher;
  std::shared_ptr<WritableDisk> disk;
  FuseWire wire;
  fs::ReadService reads;
  fs::ImageOpens opens;
  fs::ServedImage served;
  std::atomic<bool> ended{false};
  std::unique_ptr<fs::FuseSession> session;
  std::optional<FuseReply> init_reply;
};

}  // namespace weft::testing
