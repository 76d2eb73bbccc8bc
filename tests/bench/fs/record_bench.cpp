// SPDX-License-Identifier: Apache-2.0
#include "fs/record/touch_log.h"
#include "indexer/core/unique_fd.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// What it costs a read that the blocks of a boot are noted, against the least that any read takes:
// pread of 4 KiB from the page cache, without FUSE. Processor time, medians of interleaved rounds.
//   record_bench [--json]
namespace {

using namespace weft;

constexpr std::uint64_t blocks = 16'384;  // 64 MiB
constexpr int rounds = 31;

enum class Noting { none, off, seen, fresh };

class Reads {
 public:
  Reads() {
    const auto file = directory_ / "data";
    test::write_file(file, test::random_blocks(BlockCount(blocks), 1));
    fd_ = UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_) throw std::runtime_error("cannot open " + file.string());
    for (std::uint64_t i = 0; i < blocks; ++i)
      order_.push_back(i);
    std::ranges::shuffle(order_, std::mt19937_64(1));
  }

  /// Nanoseconds a read.
  double round(Noting noting) {
    if (noting == Noting::off) log_.stop();
    if (noting == Noting::fresh) log_.start();
    if (noting == Noting::seen) {
      log_.start();
      log_.note({BlockIndex(0), BlockCount(blocks)}, now());
    }
    return bench::processor_seconds([&] { read_all(noting != Noting::none); }) * 1e9 / blocks;
  }

 private:
  static TimePoint now() { return steady_clock().now(); }
  void read_all(bool note) {
    // A read of a mount asks the clock in any case.
    for (const std::uint64_t block : order_) {
      const TimePoint arrived = now();
      if (note) log_.note({BlockIndex(block), BlockCount(1)}, arrived);
      if (::pread(fd_.get(), page_.data(), page_.size(), static_cast<off_t>(block * 4096)) != 4096)
        throw std::runtime_error("short read");
    }
  }

  test::TempDirectory directory_;
  UniqueFd fd_;
  std::vector<std::uint64_t> order_;
  std::array<char, 4096> page_{};
  fs::TouchLog log_{BlockCount(blocks)};
};

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("record", argc, argv);
  return report.run([&] {
    Reads reads;
    std::array<std::vector<double>, 4> times;
    for (int i = 0; i < rounds; ++i) {
      for (std::size_t kind = 0; kind < times.size(); ++kind)
        times[kind].push_back(reads.round(static_cast<Noting>(kind)));
    }
    for (auto& of_kind : times)
      std::ranges::nth_element(of_kind, of_kind.begin() + rounds / 2);
    const auto median = [&](Noting kind) {
      return times[static_cast<std::size_t>(kind)][rounds / 2];
    };
    const double plain = median(Noting::none);
    report.add("pread_4k", plain, "ns");
    report.add("not_recording", median(Noting::off) / plain, "x", bench::Bound::at_most(1.05));
    report.add("read_before", median(Noting::seen) / plain, "x", bench::Bound::at_most(1.05));
    report.add("first_read", median(Noting::fresh) / plain, "x", bench::Bound::at_most(1.1));
  });
}
