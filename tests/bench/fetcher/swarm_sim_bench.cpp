// SPDX-License-Identifier: Apache-2.0
// Many nodes fetch one image from one origin, simulated: what the origin uploads, and how long the
// slowest takes, against a single node. `swarm_sim_bench [--json] [--full]`: --full adds 1000 nodes
// (minutes).
#include "tests/bench/report.h"
#include "tests/sim/swarm_scene.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace weft::sim {
namespace {

struct Row {
  unsigned nodes = 0;
  double copies = 0;
  double slowest = 0;
};

Row run(BlockCount blocks, unsigned nodes, bool swarm) {
  SwarmScene scene(1, blocks, nodes, swarm);
  if (!scene.finish(std::chrono::hours(2))) return {nodes, -1, -1};
  return {nodes, scene.copies(), scene.slowest()};
}

/// 16 nodes and 256 MiB: what must be reached.
void sixteen(bench::Report& report) {
  const Row single = run(mib(256), 1, true);
  const Row row = run(mib(256), 16, true);
  report.add("origin_copies_16", row.copies, "x", bench::Bound::at_most(1.3));
  report.add("completion_16_vs_1", row.slowest / single.slowest, "x", bench::Bound::at_most(1.5));
}

/// A small image, so that what begins a swarm weighs the most.
void growth(bench::Report& report, const std::vector<unsigned>& sizes) {
  const BlockCount blocks = mib(64);
  const Row single = run(blocks, 1, true);
  report.add("one_alone", single.slowest, "s");
  const Row without = run(blocks, 16, false);
  report.add("completion_16_alone_vs_1", without.slowest / single.slowest, "x");
  if (!report.json())
    std::printf("%8s %14s %20s\n", "nodes", "origin copies", "completion / single");
  for (const unsigned nodes : sizes) {
    const Row row = run(blocks, nodes, true);
    const double ratio = row.slowest / single.slowest;
    if (!report.json()) std::printf("%8u %14.2f %20.2f\n", nodes, row.copies, ratio);
    report.add("growth_copies_" + std::to_string(nodes), row.copies, "x",
               bench::Bound::at_most(1.3));
    report.add("growth_completion_" + std::to_string(nodes), ratio, "x");
  }
}

}  // namespace
}  // namespace weft::sim

int main(int argc, char** argv) {
  weft::bench::Report report("swarm_sim", argc, argv);
  std::vector<unsigned> sizes{10, 32, 100};
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--full") sizes.insert(sizes.end(), {250, 1000});
  }
  weft::sim::sixteen(report);
  weft::sim::growth(report, sizes);
  return report.finish();
}
