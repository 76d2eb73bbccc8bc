// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

// Clang's thread-safety analysis; nothing elsewhere. libstdc++'s std::mutex carries no annotations.
#if defined(__clang__)
#define WEFT_TSA(x) __attribute__((x))
#else
#define WEFT_TSA(x)
#endif
#define WEFT_CAPABILITY(x) WEFT_TSA(capability(x))
#define WEFT_GUARDED_BY(x) WEFT_TSA(guarded_by(x))
#define WEFT_REQUIRES(...) WEFT_TSA(requires_capability(__VA_ARGS__))
#define WEFT_ACQUIRE(...) WEFT_TSA(acquire_capability(__VA_ARGS__))
#define WEFT_RELEASE(...) WEFT_TSA(release_capability(__VA_ARGS__))
#define WEFT_EXCLUDES(...) WEFT_TSA(locks_excluded(__VA_ARGS__))
#define WEFT_SCOPED WEFT_TSA(scoped_lockable)
#define WEFT_NO_ANALYSIS WEFT_TSA(no_thread_safety_analysis)

namespace weft {

class WEFT_CAPABILITY("mutex") Mutex {
 public:
  void lock() WEFT_ACQUIRE() { mutex_.lock(); }
  void unlock() WEFT_RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class WEFT_SCOPED Lock {
 public:
  explicit Lock(Mutex& m) WEFT_ACQUIRE(m) : mutex_(m) { mutex_.lock(); }
  ~Lock() WEFT_RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

/// Condition variable for `Mutex`. Wait in a loop that re-checks the condition.
class Condition {
 public:
  void wait(Mutex& m) WEFT_REQUIRES(m) WEFT_NO_ANALYSIS {
    std::unique_lock held(m.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  /// False if `deadline` passed.
  template <class Clock, class Dur>
  bool wait_until(Mutex& m, std::chrono::time_point<Clock, Dur> deadline)
      WEFT_REQUIRES(m) WEFT_NO_ANALYSIS {
    std::unique_lock held(m.mutex_, std::adopt_lock);
    const auto status = condition_.wait_until(held, deadline);
    held.release();
    return status == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace weft
