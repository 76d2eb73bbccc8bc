// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/updater.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

// Indexing a file again, against its first import, measured in turn.
//   reindex_bench [--json] [--dir DIR] [--state DIR] [--mib N]
//
// An unchanged file must take at most a quarter of the time of its first import. The reference
// `pread` is reading it alone, on all cores, which bounds what can be reached: the file shall lie
// where images do, on a file system with large folios (--dir), and is read from the page cache. On
// tmpfs, in pages of 4 KiB, a read costs twice as much.
namespace weft {
namespace {

constexpr std::size_t piece = 512 * 1024;

using bench::must;

struct Options {
  std::filesystem::path dir = std::filesystem::temp_directory_path();
  std::filesystem::path state = "/dev/shm";
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
    } else if (flag == "--state" && !value.empty()) {
      options.state = value;
    } else if (flag != "--mib" ||
               std::from_chars(value.begin(), value.end(), options.mib).ec != std::errc() ||
               options.mib == 0) {
      throw std::runtime_error("usage: reindex_bench [--json] [--dir DIR] [--state DIR] [--mib N]");
    }
  }
  return options;
}

class ReindexBench {
 public:
  explicit ReindexBench(const Options& options)
      : dir_(options.dir),
        state_dir_(options.state),
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
    must(file->sync());  // now, not while something is measured
  }

  [[nodiscard]] unsigned cores() const { return cores_; }

  // All in MB/s.
  struct Speeds {
    double first = 0;
    double unchanged = 0;
    double one_percent = 0;
  };

  double pread_on_all_cores() {
    const auto file = must(disk_.open(source(), OpenMode::read));
    return megabytes_per_second([&] {
      bench::on_threads(cores_, [&](unsigned thread) {
        std::vector<std::byte> bytes(piece);
        for (std::uint64_t at = thread * piece; at < size_; at += cores_ * piece)
          must(file->read_at(ByteOffset(at), bytes));
      });
    });
  }

  Speeds measure(ImportMode mode) {
    Speeds speeds;
    const auto state = state_dir_ / "state";
    {
      const auto store = must(Store::open(disk_, {.directory = state}));
      WorkerPool pool({.threads = cores_});
      speeds.first = megabytes_per_second([&] {
        must(import_file(*store, disk_, pool, {.name = "image", .path = source(), .mode = mode}, {},
                         {}));
      });
      const auto again = [&](bool changed) {
        return megabytes_per_second([&] {
          const auto update = must(import_update(*store, disk_, pool, {.name = "image"}, {}, {}));
          if (update.changed != changed) throw std::runtime_error("the update saw other changes");
        });
      };
      speeds.unchanged = again(false);
      change_one_percent();
      speeds.one_percent = again(true);
    }
    std::filesystem::remove_all(state);
    return speeds;
  }

 private:
  [[nodiscard]] std::filesystem::path source() const { return dir_ / "source"; }

  // In runs of 16 blocks, as file systems write: one of a hundred runs, each time others.
  void change_one_percent() {
    constexpr std::uint64_t run = 16 * block_size;
    const auto file = must(disk_.open(source(), OpenMode::read_write));
    std::vector<std::byte> bytes(run);
    ++changes_;
    for (std::uint64_t at = changes_ % 100 * run; at + run <= size_; at += 100 * run) {
      test::fill_random(bytes, changes_ * size_ + at);
      must(file->write_at(ByteOffset(at), bytes));
    }
    must(file->sync());
  }
  template <class Work>
  double megabytes_per_second(Work work) {
    return static_cast<double>(size_) / 1e6 / bench::seconds(work);
  }

  test::TempDirectory dir_;
  test::TempDirectory state_dir_;
  FileSystem& disk_ = posix_file_system();
  const std::uint64_t size_;
  const unsigned cores_;
  std::uint64_t changes_ = 0;
};

void run(const Options& options, bench::Report& report) {
  ReindexBench bench(options);
  bench::Best pread;
  struct Row {
    ImportMode mode;
    std::string name;
    bench::Best first, unchanged, one_percent;
  };
  Row rows[] = {{ImportMode::in_place, "in_place", {}, {}, {}},
                {ImportMode::copy, "own", {}, {}, {}}};
  for (int round = 0; round < 5; ++round) {
    pread.add(bench.pread_on_all_cores());
    for (Row& row : rows) {
      const auto speeds = bench.measure(row.mode);
      row.first.add(speeds.first);
      row.unchanged.add(speeds.unchanged);
      row.one_percent.add(speeds.one_percent);
    }
  }
  report.add("cores", bench.cores(), "");
  report.add("pread", pread.value(), "MB/s");
  for (const Row& row : rows) {
    report.add(row.name + "_first", row.first.value(), "MB/s");
    report.add(row.name + "_unchanged", row.unchanged.value(), "MB/s");
    report.add(row.name + "_unchanged_vs_first", row.unchanged.value() / row.first.value(), "x",
               bench::Bound::at_least(4));
    report.add(row.name + "_one_percent", row.one_percent.value(), "MB/s");
    report.add(row.name + "_one_percent_vs_first", row.one_percent.value() / row.first.value(),
               "x");
  }
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  weft::bench::Report report("reindex", argc, argv);
  return report.run([&] { weft::run(weft::parse(argc, argv), report); });
}
