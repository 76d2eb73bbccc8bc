// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/qemu_image.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

// Import of qcow2 images from memory, against the same content as a raw file and against
// `qemu-img convert` to raw, measured in turn.
//   formats_bench [--json]
namespace weft {
namespace {

using bench::must;

constexpr std::uint64_t image_size = std::uint64_t{512} << 20;
constexpr std::size_t piece = 1 << 20;

class FormatsBench {
 public:
  FormatsBench() {
    // Half of each piece repeats, so that compression has something to do.
    const auto file = must(disk_.open(dir_ / "raw", OpenMode::create_exclusive));
    std::vector<std::byte> bytes(piece, std::byte{7});
    for (std::uint64_t at = 0; at < image_size; at += piece) {
      test::fill_random(std::span(bytes).first(piece / 2), at);
      must(file->write_at(ByteOffset(at), bytes));
    }
    convert({}, "qcow2");
    convert({"-c", "-o", "compression_type=zstd"}, "compressed");
    test::qemu_img({"create", "-q", "-f", "qcow2", dir_ / "huge", "1T"});
    test::qemu_io(dir_ / "huge", {"write -P 7 700G 64k"});
  }

  /// Seconds.
  double import(const std::string& name) {
    double seconds = 0;
    {
      const auto store = must(Store::open(disk_, {.directory = dir_ / "state"}));
      WorkerPool pool({.threads = std::max(2U, std::thread::hardware_concurrency())});
      const ImportOptions options{.name = "image", .path = dir_ / name, .mode = ImportMode::copy};
      seconds = bench::seconds([&] { must(import_file(*store, disk_, pool, options, {}, {})); });
    }
    std::filesystem::remove_all(dir_ / "state");
    return seconds;
  }
  double qemu_img_convert(const std::string& name) {
    const double seconds = bench::seconds(
        [&] { test::qemu_img({"convert", "-O", "raw", dir_ / name, dir_ / "converted"}); });
    std::filesystem::remove(dir_ / "converted");
    return seconds;
  }
  static double speed(double seconds) { return static_cast<double>(image_size) / 1e6 / seconds; }

 private:
  void convert(std::vector<std::string> options, const std::string& name) {
    std::vector<std::string> arguments{"convert", "-f", "raw", "-O", "qcow2"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {dir_ / "raw", dir_ / name});
    test::qemu_img(std::move(arguments));
  }

  test::TempDirectory dir_{"/dev/shm"};
  FileSystem& disk_ = posix_file_system();
};

void run(bench::Report& report) {
  FormatsBench bench;
  bench::Best raw;
  bench::Best qcow2;
  bench::Best compressed;
  bench::Best convert;
  bench::Best convert_compressed;
  for (int round = 0; round < 3; ++round) {
    raw.add(FormatsBench::speed(bench.import("raw")));
    qcow2.add(FormatsBench::speed(bench.import("qcow2")));
    compressed.add(FormatsBench::speed(bench.import("compressed")));
    convert.add(FormatsBench::speed(bench.qemu_img_convert("qcow2")));
    convert_compressed.add(FormatsBench::speed(bench.qemu_img_convert("compressed")));
  }
  report.add("raw", raw.value(), "MB/s");
  report.add("qcow2", qcow2.value(), "MB/s");
  report.add("qcow2_vs_raw", qcow2.value() / raw.value(), "x");
  report.add("qemu_img_convert", convert.value(), "MB/s");
  report.add("qcow2_vs_qemu_img_convert", qcow2.value() / convert.value(), "x");
  report.add("compressed", compressed.value(), "MB/s");
  report.add("compressed_vs_qemu_img_convert", compressed.value() / convert_compressed.value(),
             "x");
  report.add("holes_of_1_tib", bench.import("huge"), "s", bench::Bound::at_most(5));
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  weft::bench::Report report("formats", argc, argv);
  return report.run([&] { weft::run(report); });
}
