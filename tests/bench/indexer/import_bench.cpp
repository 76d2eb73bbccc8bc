// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"
#include "indexer/import/importer.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

// Import of a random file from memory, against the speed of SHA-256 on all cores, measured in turn.
//   import_bench [--json] [--dir DIR] [--mib N]
//
// In place, an import only reads and hashes: it must reach 0.9 of SHA-256 (OpenSSL, long messages)
// on all cores. A copy has to read and write besides, and on a disk in memory this takes the same
// cores: it is measured against the time of both, one after the other.
namespace weft {
namespace {

constexpr std::size_t piece = 512 * 1024;

using bench::must;

struct Options {
  std::filesystem::path dir = "/dev/shm";
  std::uint64_t mib = 1024;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--json") continue;
    const std::string_view value = i + 1 < argc ? argv[++i] : "";
    if (flag == "--dir" && !value.empty()) {
      options.dir = value;
    } else if (flag != "--mib" ||
               std::from_chars(value.begin(), value.end(), options.mib).ec != std::errc() ||
               options.mib == 0) {
      throw std::runtime_error("usage: import_bench [--json] [--dir DIR] [--mib N]");
    }
  }
  return options;
}

class ImportBench {
 public:
  explicit ImportBench(const Options& options)
      : dir_(options.dir),
        size_(options.mib << 20),
        cores_(std::max(1u, std::thread::hardware_concurrency())) {
    const auto file = must(disk_.open(source(), OpenMode::create_exclusive));
    bench::on_threads(cores_, [&](unsigned thread) {
      std::vector<std::byte> bytes(piece);
      for (std::uint64_t at = thread * piece; at < size_; at += cores_ * piece) {
        test::fill_random(bytes, at);
        must(file->write_at(ByteOffset(at), bytes));
      }
    });
  }

  [[nodiscard]] unsigned cores() const { return cores_; }

  // All in MB/s.
  double sha256_on_all_cores() {
    const std::uint64_t rounds = size_ / piece / cores_;
    return static_cast<double>(rounds * piece * cores_) / 1e6 / bench::seconds([&] {
             bench::on_threads(cores_, [&](unsigned thread) {
               std::vector<std::byte> bytes(piece);
               test::fill_random(bytes, thread);
               for (std::uint64_t i = 0; i < rounds; ++i) {
                 const Digest digest = sha256(bytes);
                 bytes[0] = digest.view()[0];  // so that no hash can be left out
               }
             });
           });
  }

  double copy_on_all_cores() {
    const auto from = must(disk_.open(source(), OpenMode::read));
    const auto to = must(disk_.open(dir_ / "copy", OpenMode::create));
    const double speed = megabytes_per_second([&] {
      bench::on_threads(cores_, [&](unsigned thread) {
        std::vector<std::byte> bytes(piece);
        for (std::uint64_t at = thread * piece; at < size_; at += cores_ * piece) {
          must(from->read_at(ByteOffset(at), bytes));
          must(to->write_at(ByteOffset(at), bytes));
        }
      });
    });
    must(disk_.remove(dir_ / "copy"));
    return speed;
  }

  double import(ImportMode mode) {
    const auto state = dir_ / "state";
    double speed = 0;
    {
      const auto store = must(Store::open(disk_, {.directory = state}));
      WorkerPool pool({.threads = cores_});
      const ImportOptions options{.name = "image", .path = source(), .mode = mode};
      speed =
          megabytes_per_second([&] { must(import_file(*store, disk_, pool, options, {}, {})); });
    }
    std::filesystem::remove_all(state);
    return speed;
  }

  // Seconds to import 1 TiB that is all hole but for its last block.
  double import_of_holes() {
    {
      const auto file = must(disk_.open(dir_ / "holes", OpenMode::create));
      must(file->write_at(ByteOffset((std::uint64_t{1} << 40) - block_size), test::block_of('a')));
    }
    const auto state = dir_ / "state";
    double seconds = 0;
    {
      const auto store = must(Store::open(disk_, {.directory = state}));
      WorkerPool pool({.threads = cores_});
      const ImportOptions options{.name = "image", .path = dir_ / "holes"};
      seconds = bench::seconds([&] { must(import_file(*store, disk_, pool, options, {}, {})); });
    }
    std::filesystem::remove_all(state);
    return seconds;
  }

 private:
  [[nodiscard]] std::filesystem::path source() const { return dir_ / "source"; }
  template <class Work>
  double megabytes_per_second(Work work) {
    return static_cast<double>(size_) / 1e6 / bench::seconds(work);
  }

  test::TempDirectory dir_;
  FileSystem& disk_ = posix_file_system();
  const std::uint64_t size_;
  const unsigned cores_;
};

void run(const Options& options, bench::Report& report) {
  ImportBench bench(options);
  bench::Best sha256;
  bench::Best copy;
  bench::Best in_place;
  bench::Best own;
  for (int round = 0; round < 5; ++round) {
    sha256.add(bench.sha256_on_all_cores());
    in_place.add(bench.import(ImportMode::in_place));
    copy.add(bench.copy_on_all_cores());
    own.add(bench.import(ImportMode::copy));
  }
  const double both = 1 / (1 / sha256.value() + 1 / copy.value());
  report.add("cores", bench.cores(), "");
  report.add("sha256", sha256.value(), "MB/s");
  report.add("in_place", in_place.value(), "MB/s");
  report.add("in_place_vs_sha256", in_place.value() / sha256.value(), "x",
             bench::Bound::at_least(0.9));
  report.add("copy", copy.value(), "MB/s");
  report.add("own", own.value(), "MB/s");
  report.add("own_vs_sha256", own.value() / sha256.value(), "x");
  report.add("own_vs_sha256_and_copy", own.value() / both, "x", bench::Bound::at_least(0.9));
  report.add("holes_of_1_tib", bench.import_of_holes(), "s", bench::Bound::at_most(1));
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  weft::bench::Report report("import", argc, argv);
  return report.run([&] { weft::run(weft::parse(argc, argv), report); });
}
