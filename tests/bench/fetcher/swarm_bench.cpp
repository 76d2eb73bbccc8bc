// SPDX-License-Identifier: Apache-2.0
// Many real daemons behind shaped cables start one image from one origin at the same time: how many
// copies the origin sends, and how much longer it takes than for one alone. Needs root.
#include "tests/bench/report.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/star_sources.h"
#include "tests/support/tools/star_transfer.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using testing::StarSources;
using testing::StarTransfer;

struct Options {
  std::size_t nodes = 16;
  std::uint64_t mebibytes = 64;
  std::uint64_t mbit = 20;
  std::string scratch = "/var/tmp";
  bool json = false;
};

constexpr std::size_t origin = 0;
constexpr std::size_t loner = 1;  ///< starts alone, before the others
constexpr std::size_t first = 2;

std::vector<testing::StarSource> one_that_has_all(const Options& options) {
  testing::StarSource node{.rate = options.mbit * 1'000'000};
  std::vector<testing::StarSource> nodes(first + options.nodes, node);
  nodes[origin].copy = "#";
  return nodes;
}

/// Copies of the image that have left the origin.
double copies_sent(const StarSources& nodes, const test::SampleImage& image) {
  const auto copy = image.blocks().value() * StarSources::wire_bytes_per_block;
  return static_cast<double>(nodes.star().traffic(origin).to_hub) *
         testing::StarNet::payload_share / static_cast<double>(copy);
}

void must_be_right(const StarTransfer& transfer) {
  if (transfer.wrong_blocks() > 0) throw std::runtime_error("wrong bytes were materialized");
}

void measure(const Options& options, Report& report) {
  if (!testing::StarNet::possible()) throw std::runtime_error("needs root, ip, tc and nsenter");
  const test::TempDirectory scratch(options.scratch);
  const test::SampleImage image(test::random_blocks(BlockCount(options.mebibytes * 256), 1));
  std::fprintf(stderr, "swarm: nodes start\n");
  StarSources nodes(scratch / "nodes", image, one_that_has_all(options));

  std::fprintf(stderr, "swarm: one alone\n");
  StarTransfer alone(nodes[loner], image, {nodes.address(origin)});
  const double single = alone.finish(600s);
  must_be_right(alone);
  nodes[loner].kill_all();

  std::fprintf(stderr, "swarm: all others at once\n");
  const double before = copies_sent(nodes, image);
  std::vector<std::unique_ptr<StarTransfer>> transfers;
  for (std::size_t node = first; node < nodes.size(); ++node) {
    std::vector<std::string> peers{nodes.address(origin)};
    for (std::size_t other = first; other < nodes.size(); ++other) {
      if (other != node) peers.push_back(nodes.address(other));
    }
    transfers.push_back(std::make_unique<StarTransfer>(nodes[node], image, peers));
  }
  double last = 0;
  for (const auto& transfer : transfers)
    last = std::max(last, transfer->finish(600s));
  const double copies = copies_sent(nodes, image) - before;
  for (const auto& transfer : transfers)
    must_be_right(*transfer);
  report.add("one_alone", single, "s");
  report.add("all", last, "s");
  report.add("all_over_one", last / single, "x", Bound::at_most(1.5));
  report.add("origin_copies", copies, "", Bound::at_most(1.3));
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  Options options;
  CLI::App app{"many nodes start one image from one origin", "swarm"};
  app.add_option("--nodes", options.nodes, "that start at the same time")
      ->check(CLI::Range(1, 200));
  app.add_option("--size", options.mebibytes, "MiB of the image");
  app.add_option("--rate", options.mbit, "Mbit/s of every node's cable, each way");
  app.add_option("--scratch", options.scratch, "directory for what is written meanwhile");
  app.add_flag("--json", options.json, "one line for each figure");
  CLI11_PARSE(app, argc, argv);
  Report report("swarm", argc, argv);
  return report.run([&] { measure(options, report); });
}
