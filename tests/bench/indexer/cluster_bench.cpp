// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/cluster_index.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

// Clusters and matrix of a large library, image by image.
//   cluster_bench [--json] [--images N]
namespace {

using namespace weft;

constexpr std::uint64_t files = 4000;
constexpr std::uint64_t blocks_a_file = 250;

std::uint64_t mix(std::uint64_t x) {  // SplitMix64: S. Vigna, after G. Steele et al., OOPSLA 2014
  x += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}
std::uint64_t percent(std::uint64_t x) {
  return mix(x) % 100;
}

// Content that files of one image have. Images belong to 33 families (what a team derives from one
// template) of six distributions. An image has 70 to 95 % of its files from its family, a third of
// those from the distribution, each in one of a few versions; the rest is its own.
std::uint64_t content_of(std::uint64_t image, std::uint64_t file) {
  const std::uint64_t family = image % 33;
  const std::uint64_t draw = mix(image << 32 | file);
  const std::uint64_t from_family = 70 + percent(image) % 26;
  if (percent(draw) >= from_family) return mix(draw ^ 1);
  const std::uint64_t roll = percent(draw ^ 2);
  const std::uint64_t version = roll < 80 ? 0 : roll < 95 ? 1 : 2;
  const std::uint64_t owner = file % 3 == 0 ? 1000 + family % 6 : family;
  return mix(owner << 40 | file << 8 | version);
}

Signature image_signature(std::uint64_t image) {
  Signature signature;
  for (std::uint64_t file = 0; file < files; ++file) {
    const std::uint64_t content = content_of(image, file);
    for (std::uint64_t block = 0; block < blocks_a_file; ++block) {
      signature.keys.push_back(mix(content + block));
    }
  }
  std::ranges::sort(signature.keys);
  const auto twice = std::ranges::unique(signature.keys);
  signature.keys.erase(twice.begin(), twice.end());
  signature.unique_blocks = BlockCount(signature.keys.size());
  for (std::size_t i = 0; i < 8; ++i) {
    signature.image.bytes[i] = static_cast<std::uint8_t>(image >> (8 * i));
  }
  return signature;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

struct Slowest {
  double wall = 0;
  double cpu = 0;

  void measure(auto&& work) {
    const double before = cpu_seconds();
    wall = std::max(wall, bench::seconds(work));
    cpu = std::max(cpu, cpu_seconds() - before);
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t images = 1000;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--images") images = std::strtoull(argv[i + 1], nullptr, 10);
  }
  bench::Report report("cluster", argc, argv);
  ClusterIndex index(ByteCount(std::uint64_t{896} << 20));
  Slowest adding;
  double all = 0;
  for (std::uint64_t image = 0; image < images; ++image) {
    const Signature signature = image_signature(image);
    bool added = false;
    all +=
        bench::seconds([&] { adding.measure([&] { added = index.add(signature).has_value(); }); });
    if (!added) report.failed("an image was not added");
    if (!report.json() && (image + 1) % 100 == 0) {
      std::fprintf(stderr, "%4lu images, %zu keys, %zu clusters, shift %u, slowest %.2f s\n",
                   image + 1, index.key_count(), index.cluster_count(), index.shift(), adding.wall);
    }
  }
  report.add("images", static_cast<double>(images), "");
  report.add("keys", static_cast<double>(index.key_count()), "");
  report.add("shift", index.shift(), "");
  report.add("clusters", static_cast<double>(index.cluster_count()), "");
  report.add("mean_seconds_per_added_image", all / static_cast<double>(images), "s");
  report.add("max_seconds_per_added_image", adding.wall, "s", bench::Bound::at_most(2));
  report.add("max_cpu_seconds_per_added_image", adding.cpu, "s");
  Slowest removing;
  for (std::uint64_t image = 0; image < images; image += images / 20 + 1) {
    const ImageId id = image_signature(image).image;
    removing.measure([&] { index.remove(id); });
  }
  report.add("max_seconds_per_removed_image", removing.wall, "s", bench::Bound::at_most(2));
  report.add("max_cpu_seconds_per_removed_image", removing.cpu, "s");
  report.add("peak_memory", peak_mebibytes(), "MiB", bench::Bound::at_most(1024));
  return report.finish();
}
