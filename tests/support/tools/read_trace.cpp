// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/read_trace.h"

#include "indexer/core/mutex.h"
#include "indexer/core/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>
#include <stdexcept>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace weft::testing {
namespace {

using Clock = std::chrono::steady_clock;

/// More reads at once than a guest has.
constexpr unsigned readers = 64;
constexpr std::size_t alignment = 4096;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// One replay: reads become due as those before them complete.
class Replay {
 public:
  Replay(const ReadTrace& trace, int file, double scale)
      : trace_(trace), file_(file), scale_(scale), followers_(trace.reads.size()) {
    for (std::size_t i = 0; i < trace.reads.size(); ++i) {
      if (trace.reads[i].after) followers_[*trace.reads[i].after].push_back(i);
    }
  }

  Replayed run() {
    const auto start = Clock::now();
    {
      const Lock lock(mutex_);
      last_ = start;
      left_ = trace_.reads.size();
      for (std::size_t i = 0; i < trace_.reads.size(); ++i) {
        if (!trace_.reads[i].after) due_.push({start + thinking(i), i});
      }
    }
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < readers; ++i)
        threads.emplace_back([this] { work(); });
    }
    const Lock lock(mutex_);
    if (!trouble_.empty()) throw std::runtime_error(trouble_);
    return {last_ - start + scaled(trace_.rest), waiting_};
  }

 private:
  struct Due {
    Clock::time_point at;
    std::size_t read;
    bool operator<(const Due& other) const { return at > other.at; }  // the earliest on top
  };

  [[nodiscard]] Clock::duration scaled(TraceTime time) const {
    return std::chrono::duration_cast<Clock::duration>(time * scale_);
  }
  [[nodiscard]] Clock::duration thinking(std::size_t read) const {
    return scaled(trace_.reads[read].think);
  }

  void work() {
    const std::unique_ptr<void, Free> buffer(std::aligned_alloc(alignment, 2 << 20));
    while (const auto read = next()) {
      const auto begin = Clock::now();
      const bool fine = perform(*read, buffer.get());
      completed(*read, begin, fine ? 0 : errno);
    }
  }

  /// The next read when it is due; nullopt: all are done, or one failed.
  std::optional<std::size_t> next() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    while (true) {
      if (left_ == 0 || !trouble_.empty()) return std::nullopt;
      if (due_.empty()) {
        changed_.wait(mutex_);
        continue;
      }
      const Due first = due_.top();
      if (first.at <= Clock::now()) {
        due_.pop();
        return first.read;
      }
      static_cast<void>(changed_.wait_until(mutex_, first.at));
    }
  }

  bool perform(std::size_t index, void* buffer) const {
    const TracedRead& read = trace_.reads[index];
    const ssize_t got = ::pread(file_, buffer, read.size, static_cast<off_t>(read.offset));
    if (got >= 0 && got != static_cast<ssize_t>(read.size)) errno = EIO;
    return got == static_cast<ssize_t>(read.size);
  }

  void completed(std::size_t index, Clock::time_point begin, int error) WEFT_EXCLUDES(mutex_) {
    const auto now = Clock::now();
    const Lock lock(mutex_);
    if (error != 0 && trouble_.empty()) {
      trouble_ = "replay: reading " + std::to_string(trace_.reads[index].size) + " bytes at " +
                 std::to_string(trace_.reads[index].offset) + ": " + std::strerror(error);
    }
    waiting_ += now - begin;
    last_ = std::max(last_, now);
    --left_;
    for (const std::size_t follower : followers_[index])
      due_.push({now + thinking(follower), follower});
    changed_.notify_all();
  }

  const ReadTrace& trace_;
  const int file_;
  const double scale_;
  std::vector<std::vector<std::size_t>> followers_;  // constant after construction

  Mutex mutex_;
  Condition changed_;
  std::priority_queue<Due> due_ WEFT_GUARDED_BY(mutex_);
  std::size_t left_ WEFT_GUARDED_BY(mutex_) = 0;
  Clock::time_point last_ WEFT_GUARDED_BY(mutex_);
  std::chrono::duration<double> waiting_ WEFT_GUARDED_BY(mutex_){};
  std::string trouble_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace

TraceTime ReadTrace::thinking() const {
  std::vector<TraceTime> done(reads.size());
  TraceTime last{};
  for (std::size_t i = 0; i < reads.size(); ++i) {
    done[i] = reads[i].think + (reads[i].after ? done[*reads[i].after] : TraceTime{});
    last = std::max(last, done[i]);
  }
  return last + rest;
}

ReadTrace trace_of(std::vector<SeenRead> seen, TraceTime start, TraceTime ready) {
  std::erase_if(seen, [&](const SeenRead& read) { return read.issued > ready; });
  std::ranges::sort(seen, {}, &SeenRead::issued);
  // By completion; a read that completed before another was issued was issued before it, too.
  std::vector<std::size_t> completions(seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i)
    completions[i] = i;
  std::ranges::sort(completions, {}, [&](std::size_t i) { return seen[i].completed; });
  ReadTrace trace;
  std::size_t complete = 0;
  for (const SeenRead& read : seen) {
    while (complete < completions.size() && seen[completions[complete]].completed <= read.issued)
      ++complete;
    TracedRead traced{.offset = read.offset, .size = read.size};
    if (complete > 0) traced.after = completions[complete - 1];
    traced.think = read.issued - (traced.after ? seen[*traced.after].completed : start);
    trace.reads.push_back(traced);
  }
  const TraceTime last = completions.empty() ? start : seen[completions.back()].completed;
  trace.rest = std::max(ready - last, TraceTime{});
  return trace;
}

Replayed replay(const ReadTrace& trace, const std::filesystem::path& file, double scale) {
  const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  if (!opened)
    throw std::runtime_error("cannot open " + file.string() + ": " + std::strerror(errno));
  return Replay(trace, opened.get(), scale).run();
}

}  // namespace weft::testing
