// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/store.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <cstdint>
#include <random>
#include <vector>

// What the store adds to a pread of the page cache, for reads of resident blocks; and what opening
// and committing cost.
//   store_bench [--json]
namespace {

using namespace weft;
using bench::must;

constexpr std::uint64_t blocks = 16384;  // 64 MiB
constexpr int reads = 100000;

double nanoseconds_a_read(std::size_t size, auto&& read) {
  std::mt19937_64 random(1);
  std::vector<std::byte> out(size);
  const int rounds = static_cast<int>(reads * block_size / size);
  const double taken = bench::seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      read(random() % (blocks - size / block_size) * block_size, std::span(out));
    }
  });
  return taken * 1e9 / rounds;
}

/// Least of five, in nanoseconds.
double best_read(std::size_t size, auto read) {
  double best = nanoseconds_a_read(size, read);
  for (int i = 0; i < 4; ++i)
    best = std::min(best, nanoseconds_a_read(size, read));
  return best;
}

void measure(bench::Report& report) {
  const test::TempDirectory dir;
  const test::SampleImage sample(test::random_blocks(BlockCount(blocks), 1));
  const StoreOptions options{dir / "state", ByteCount(0)};
  auto store = must(Store::open(posix_file_system(), options));

  auto image = must(store->adopt("disk", sample.info));
  must(sample.send_tree(*image));
  const double commit = bench::seconds([&] {
    for (std::uint64_t at = 0; at < blocks; at += 64)
      must(sample.send_blocks(*image, at, 64));
  });
  report.add("commit", static_cast<double>(sample.bytes.size()) / 1e6 / commit, "MB/s");
  report.add("flush", bench::seconds([&] { must(image->flush()); }) * 1e3, "ms");

  const auto pack = dir / "state" / "images" / to_hex(sample.info.id) / "pack";
  const auto file = must(posix_file_system().open(pack, OpenMode::read));
  for (const std::size_t size : {std::size_t{4096}, std::size_t{1} << 20}) {
    const std::string name = size == 4096 ? "4k" : "1m";
    const double direct = best_read(size, [&](std::uint64_t offset, std::span<std::byte> out) {
      must(file->read_at(ByteOffset(offset), out));
    });
    const double hot = best_read(size, [&](std::uint64_t offset, std::span<std::byte> out) {
      must(image->read(ByteOffset(offset), out));
    });
    report.add("pread_" + name, direct, "ns");
    report.add("read_" + name, hot, "ns");
    report.add("read_" + name + "_vs_pread", hot / direct, "x", bench::Bound::at_most(1.15));
  }

  image.reset();
  store.reset();
  report.add("open_store",
             bench::seconds([&] { store = must(Store::open(posix_file_system(), options)); }) * 1e3,
             "ms");
  image = must(store->image(sample.info.id));
  std::vector<std::byte> out(1u << 20);
  const double first = bench::seconds([&] {
    for (std::uint64_t at = 0; at < sample.bytes.size(); at += out.size()) {
      must(image->read(ByteOffset(at), out));
    }
  });
  report.add("first_read_after_open", static_cast<double>(sample.bytes.size()) / 1e6 / first,
             "MB/s");

  const ByteCount huge(std::uint64_t{10} << 40);
  const Digest root = sha256(out);
  const ImageInfo info{make_image_id(huge, root), huge, root};
  report.add("adopt_10_tib", bench::seconds([&] { must(store->adopt("huge", info)); }) * 1e3, "ms",
             bench::Bound::at_most(100));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("store", argc, argv);
  return report.run([&] { measure(report); });
}
