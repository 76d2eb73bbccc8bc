// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
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
