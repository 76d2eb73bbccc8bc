// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/mutex.h"

#include <shared_mutex>

namespace weft {

/// Held by many who do not disturb each other, or by one alone.
class WEFT_CAPABILITY("mutex") SharedMutex {
 public:
  void lock() WEFT_ACQUIRE() { mutex_.lock(); }
  void unlock() WEFT_RELEASE() { mutex_.unlock(); }
  void lock_shared() WEFT_TSA(acquire_shared_capability()) { mutex_.lock_shared(); }
  void unlock_shared() WEFT_TSA(release_shared_capability()) { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class WEFT_SCOPED SharedLock {
 public:
  explicit SharedLock(SharedMutex& m) WEFT_TSA(acquire_shared_capability(m)) : mutex_(m) {
    mutex_.lock_shared();
  }
  ~SharedLock() WEFT_RELEASE() { mutex_.unlock_shared(); }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class WEFT_SCOPED ExclusiveLock {
 public:
  explicit ExclusiveLock(SharedMutex& m) WEFT_ACQUIRE(m) : mutex_(m) { mutex_.lock(); }
  ~ExclusiveLock() WEFT_RELEASE() { mutex_.unlock(); }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace weft
