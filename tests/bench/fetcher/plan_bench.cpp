// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/check.h"
#include "fetcher/plan/class_table.h"
#include "fetcher/plan/mix.h"
#include "fetcher/plan/planner.h"
#include "fetcher/plan/queues.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

// Plans of 10^6 missing blocks, 100 peers, 1000 images, 4 tiers: from blocks to queues.
//   plan_bench [--json] [--hostile-only]
namespace {

using namespace weft;
using namespace weft::fetcher::plan;

constexpr SourceIndex peers = 100;
constexpr std::uint64_t images = 1000;
constexpr std::uint64_t files = 4000;
constexpr std::uint64_t blocks_a_file = 250;
constexpr std::uint64_t piece = 25;  // blocks that are resident at a peer together, or not
constexpr std::uint64_t bytes_a_block = 1640;  // compressed

std::uint64_t percent(std::uint64_t x) {
  return mix(x) % 100;
}

// What files of one image contain: images belong to 33 families of six distributions, and have most
// files from there, each in one of a few versions; the rest is their own.
std::uint64_t content_of(std::uint64_t image, std::uint64_t file) {
  const std::uint64_t family = image % 33;
  const std::uint64_t draw = mix(image << 32 | file);
  if (percent(draw) >= 70 + percent(image) % 26) return mix(draw ^ 1);
  const std::uint64_t roll = percent(draw ^ 2);
  const std::uint64_t version = roll < 80 ? 0 : roll < 95 ? 1 : 2;
  const std::uint64_t owner = file % 3 == 0 ? 1000 + family % 6 : family;
  return mix(owner << 40 | file << 8 | version);
}

Tier tier_of(std::uint64_t file) {
  const std::uint64_t roll = percent(file ^ 0xb007);
  return roll < 5 ? Tier{1} : roll < 15 ? Tier{2} : roll < 50 ? Tier{3} : Tier{4};
}

double spread(std::uint64_t draw, double least, double most) {
  return least * std::pow(most / least, static_cast<double>(mix(draw) >> 11) * 0x1p-53);
}

Problem links() {
  Problem problem;
  for (std::uint64_t s = 0; s < 10; ++s)
    problem.sites.push_back({"site" + std::to_string(s), s < 6 ? spread(s, 2e7, 2e8) : 0});
  constexpr double prices[] = {0, 0.01, 0.05, 0.09};
  for (SourceIndex p = 0; p < peers; ++p) {
    problem.sources.push_back({.peer = fetcher::PeerId{p},
                               .rate = spread(p + 100, 1.25e6, 1.25e8),
                               .delay = spread(p + 200, 0.001, 0.15),
                               .price = prices[mix(p + 300) % 4],
                               .site = p % 10U});
  }
  problem.ingress = 1.25e9;
  return problem;
}

// A peer holds 12 images, mostly of two families, each whole or in pieces. Peer 0 has all.
class Library {
 public:
  Library() : held_(peers) {
    for (std::uint64_t p = 0; p < peers; ++p)
      for (std::uint64_t i = 0; i < 12; ++i) {
        const std::uint64_t draw = mix(p << 8 | i);
        const std::uint64_t family = (p + draw % 2) % 33;
        held_[p].push_back(percent(draw) < 80 ? family + 33 * (mix(draw) % (images / 33))
                                              : draw % images);
      }
  }
  // Peers with piece number `part` of `file` of the target, image 0.
  void holders(std::uint64_t file, std::uint64_t part, std::vector<SourceIndex>& found) const {
    const std::uint64_t wanted = content_of(0, file);
    found.assign(1, 0);
    for (SourceIndex p = 1; p < peers; ++p)
      for (const std::uint64_t image : held_[p])
        if (content_of(image, file) == wanted && resident(p, image, file, part)) {
          found.push_back(p);
          break;
        }
  }

 private:
  static bool resident(std::uint64_t p, std::uint64_t image, std::uint64_t file,
                       std::uint64_t part) {
    const std::uint64_t here = mix(p << 16 | image);
    return here % 2 == 0 || percent(mix(here) ^ (file << 8 | part)) < 60;
  }
  std::vector<std::vector<std::uint64_t>> held_;
};

void add_realistic(ClassTable& table) {
  const Library library;
  std::vector<SourceIndex> holders;
  for (Tier tier = 1; tier <= 4; ++tier)
    for (std::uint64_t file = 0; file < files; ++file) {
      if (tier_of(file) != tier) continue;
      for (std::uint64_t part = 0; part * piece < blocks_a_file; ++part) {
        library.holders(file, part, holders);
        const BlockIndex first(file * blocks_a_file + part * piece);
        table.add({first, BlockCount(piece)}, tier, holders, piece * bytes_a_block);
      }
    }
}

// Every block at other peers.
void add_hostile(ClassTable& table) {
  std::vector<SourceIndex> holders;
  for (std::uint64_t block = 0; block < files * blocks_a_file; ++block) {
    holders.assign(1, static_cast<SourceIndex>(mix(block) % peers));
    for (SourceIndex p = 0; p < peers; ++p)
      if (mix(block << 8 | p) % 2 == 0) holders.push_back(p);
    const auto tier = static_cast<Tier>(1 + block * 4 / (files * blocks_a_file));
    table.add({BlockIndex(block), BlockCount(1)}, tier, holders, bytes_a_block);
  }
}

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

struct Timed {
  double seconds = never_run;
  Plan plan;
  static constexpr double never_run = 1e9;
};

Timed plan_and_queue(bench::Report& report, const Problem& problem, const ClassTable& table,
                     const Goal& goal) {
  Timed timed;
  Queues queues;
  for (int round = 0; round < 3; ++round) {
    const double seconds = bench::processor_seconds([&] {
      auto plan = make_plan(problem, goal);
      if (!plan) return report.failed(plan.error().message());
      queues = make_queues(problem, *plan, table.order());
      timed.plan = std::move(*plan);
    });
    timed.seconds = std::min(timed.seconds, seconds);
  }
  for (const std::string& wrong : check_plan(problem, timed.plan))
    report.failed(wrong);
  std::uint64_t blocks = 0;
  for (const auto& queue : queues)
    for (const QueueEntry& entry : queue)
      blocks += entry.blocks.count.value();
  if (blocks != files * blocks_a_file) report.failed("blocks are missing in the queues");
  return timed;
}

void measure(bench::Report& report, const std::string& name, void (*add)(ClassTable&)) {
  Problem problem = links();
  ClassTable table;
  const double grouping = bench::seconds([&] { add(table); });
  table.move_into(problem);
  const auto fastest = plan_and_queue(report, problem, table, Goal::fastest());
  const auto cheapest = plan_and_queue(report, problem, table, Goal::cheapest(0.05));
  const double budget = (fastest.plan.cost + fastest.plan.least_cost) / 2;
  const auto affordable = plan_and_queue(report, problem, table, Goal::within(budget));
  const auto must = bench::Bound::at_most(1);
  report.add(name + "_classes", static_cast<double>(problem.classes.size()), "");
  report.add(name + "_grouping_with_generator", grouping, "s");
  report.add(name + "_fastest", fastest.seconds, "s", must);
  report.add(name + "_cheapest_in_5_percent", cheapest.seconds, "s", must);
  report.add(name + "_within_budget", affordable.seconds, "s");
  report.add(name + "_gap", fastest.plan.gap, "", bench::Bound::at_most(0.01));
  report.add(name + "_cost_of_fastest", fastest.plan.cost, "");
  report.add(name + "_cost_of_cheapest", cheapest.plan.cost, "");
  report.add(name + "_least_cost", cheapest.plan.least_cost, "");
  report.add(name + "_finish_of_fastest", fastest.plan.finish(), "s");
  report.add(name + "_finish_within_budget", affordable.plan.finish(), "s");
  report.add(name + "_peak_memory", peak_mebibytes(), "MiB", bench::Bound::at_most(500));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("plan", argc, argv);
  const bool hostile_only = argc > 1 && std::string_view(argv[argc - 1]) == "--hostile-only";
  if (!hostile_only) measure(report, "realistic", add_realistic);
  measure(report, "hostile", add_hostile);
  return report.finish();
}
