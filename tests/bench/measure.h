// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <thread>
#include <vector>

namespace weft::bench {

/// Seconds that `work` takes.
template <class Work>
double seconds(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of processor time that `work` takes in this process: for work of one thread that waits
/// for nothing, and a machine that is not idle.
template <class Work>
double processor_seconds(Work&& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Runs `work(thread number)` on `threads` threads at once.
template <class Work>
void on_threads(unsigned threads, Work work) {
  std::vector<std::jthread> running;
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&work, i] { work(i); });
}

/// The best of several rounds: what the machine can do when nothing else disturbs it.
class Best {
 public:
  void add(double value) { value_ = std::max(value_, value); }
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 0;
};

}  // namespace weft::bench
