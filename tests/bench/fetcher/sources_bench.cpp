// SPDX-License-Identifier: Apache-2.0
// Materializing from several real daemons behind shaped cables, against the bound of the links, and
// beside what other systems do; for several budgets; and with one of the sources in trouble. Needs
// root.
//
// The bound: the least time that the links allow to 4096 + 32 bytes (content that does not
// compress, and its digest) of every block, at TCP's share of the rates (1448 payload bytes in
// frames of 1514), each from its round trip on.
#include "fetcher/plan/planner.h"
#include "fetcher/schedule/simple_orders.h"
#include "tests/bench/fetcher/sources_case.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/star_transfer.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using fetcher::plan::Goal;
using fetcher::plan::make_plan;
using testing::StarSources;

/// Frames, which `StarSources::problem` does not count.
constexpr double with_frames = 1.01;
constexpr double and_seconds = 0.3;

struct Options {
  std::uint64_t mebibytes = 256;         ///< of the image
  std::uint64_t fault_mebibytes = 96;    ///< of the image for faults
  std::uint64_t pareto_mebibytes = 256;  ///< of the image whose time is weighed against money
  std::string only{};                    ///< one topology, "pareto" or "faults"
  std::string scratch = "/var/tmp";
  bool rivals = true;
  bool json = false;
};

struct Fault {
  std::string name;
  void (*strike)(StarSources& sources, std::size_t victim);
  void (*mend)(StarSources& sources, std::size_t victim);
};

std::vector<Fault> faults() {
  return {{"kill", [](StarSources& s, std::size_t v) { s[v].kill_all(); },
           [](StarSources& s, std::size_t v) { s[v].start(); }},
          {"freeze", [](StarSources& s, std::size_t v) { s[v].freeze(); },
           [](StarSources& s, std::size_t v) { s[v].thaw(); }},
          {"throttle",
           [](StarSources& s, std::size_t v) { s.star().set_rate(v, s.source(v).rate / 100); },
           [](StarSources& s, std::size_t v) { s.star().set_rate(v, s.source(v).rate); }},
          {"corrupt", [](StarSources& s, std::size_t v) { s.toggle_damage(v); },
           [](StarSources& s, std::size_t v) { s.toggle_damage(v); }},
          {"cut", [](StarSources& s, std::size_t v) { s.star().cut(v); },
           [](StarSources& s, std::size_t v) { s.star().mend(v); }}};
}

class Bench {
 public:
  Bench(Options options, Report& report)
      : options_(std::move(options)), report_(report), scratch_(options_.scratch) {}

  void run() {
    if (!testing::StarNet::possible()) throw std::runtime_error("needs root, ip, tc and nsenter");
    const std::vector<Topology> all = topologies();
    for (const Topology& topology : all) {
      if (wanted(topology.name)) compare(topology);
    }
    if (wanted("pareto")) trade(all.back());
    if (wanted("faults")) disturb(all.front());
  }

 private:
  [[nodiscard]] bool wanted(const std::string& name) const {
    return options_.only.empty() || options_.only == name;
  }
  void note(const std::string& what) const { std::fprintf(stderr, "sources: %s\n", what.c_str()); }

  void add(const std::string& name, const MeasuredRun& run, double bound, Bound must = {}) {
    report_.add(name + "_finish", run.seconds, "s");
    report_.add(name + "_finish_over_bound", run.seconds / bound, "x", must);
    report_.add(name + "_cost", run.cost, "");
  }

  void compare(const Topology& topology) {
    note(topology.name + ": sources start");
    const test::SampleImage image(test::random_blocks(BlockCount(options_.mebibytes * 256), 1));
    StarSources sources(scratch_ / topology.name, image, topology.sources, topology.uplinks);
    const auto problem = sources.problem();
    const double bound = bound_of(problem);
    const double bytes = bytes_of(problem);
    if (bytes / (bound * rate_of_all(problem)) < 0.98)
      throw std::runtime_error("the bound of " + topology.name + " leaves links idle");
    report_.add(topology.name + "_bound", bound, "s");
    report_.add(topology.name + "_links", rate_of_all(problem) / 1e6, "MB/s");

    note(topology.name + ": by plan");
    const auto planned = run_daemon(sources, image, "target");
    report_.add(topology.name + "_utilisation", bytes / (planned.seconds * rate_of_all(problem)),
                "", Bound::at_least(0.95));
    add(topology.name, planned, bound, Bound::at_most(1.05));
    report_.add(topology.name + "_carried_over_needed", planned.carried / bytes, "x");
    if (!options_.rivals) return;
    using namespace fetcher;
    const std::vector<std::pair<std::string, MakeOrder>> rivals{
        {"nearest", [] { return std::make_unique<NearestOrder>(); }},
        {"random", [] { return std::make_unique<RandomOrder>(1); }},
        {"rarest_first", [] { return std::make_unique<RarestFirst>(1); }}};
    for (const auto& [name, order] : rivals) {
      note(topology.name + ": " + name);
      add(topology.name + "_" + name, run_order(sources, image, order), bound);
    }
  }

  /// Time against money: what plans promise, and what transfers keep.
  void trade(const Topology& topology) {
    constexpr int steps = 5;
    note("pareto: sources start");
    const test::SampleImage image(
        test::random_blocks(BlockCount(options_.pareto_mebibytes * 256), 3));
    StarSources sources(scratch_ / "pareto", image, topology.sources, topology.uplinks);
    const auto fastest = must(make_plan(sources.problem(), Goal::fastest()));
    const double tree = tree_cost(sources);
    report_.add("pareto_least_cost", fastest.least_cost, "");
    for (int step = 0; step <= steps; ++step) {
      const double blocks = fastest.least_cost + (fastest.cost - fastest.least_cost) * step / steps;
      const double budget = blocks * with_frames + tree;
      // Rounded down, as the command gets it.
      const std::string text = std::to_string(std::floor(budget * 1e6) / 1e6);
      const std::string name = "budget_" + std::to_string(step);
      const double given = std::stod(text);
      report_.add(name, given, "");
      const Goal goal = Goal::within(blocks);
      trade(sources, image, name, goal, {"--budget", text}, given);
    }
    constexpr double epsilon = 0.05;
    trade(sources, image, "cost_within_5_percent", Goal::cheapest(epsilon),
          {"--optimize", "cost", "--epsilon", std::to_string(epsilon)}, {});
  }

  /// Of tree nodes, at the most: they come from whoever brings them soonest, whatever that costs.
  [[nodiscard]] double tree_cost(const StarSources& sources) const {
    constexpr double bytes_per_block = 34;
    double dearest = 0;
    for (std::size_t i = 0; i < sources.size(); ++i)
      dearest = std::max(dearest, sources.source(i).price);
    return dearest * static_cast<double>(options_.pareto_mebibytes * 256) * bytes_per_block /
           (1 << 30);
  }

  void trade(StarSources& sources, const test::SampleImage& image, const std::string& name,
             Goal goal, const std::vector<std::string>& flags, std::optional<double> budget) {
    note(name);
    const auto plan = must(make_plan(sources.problem(), goal));
    const auto run = run_daemon(sources, image, name, flags);
    report_.add(name + "_planned_finish", plan.finish(), "s");
    report_.add(name + "_finish", run.seconds, "s",
                Bound::at_most(1.05 * plan.finish() + and_seconds));
    report_.add(name + "_planned_cost", plan.cost, "");
    report_.add(name + "_cost", run.cost, "", budget ? Bound::at_most(*budget) : Bound{});
    report_.add(name + "_spent", run.spent, "", budget ? Bound::at_most(*budget) : Bound{});
  }

  /// The fastest source in every kind of trouble at 10, 50 and 90 %.
  void disturb(const Topology& topology) {
    constexpr std::size_t victim = 3;
    note("faults: sources start");
    const test::SampleImage image(
        test::random_blocks(BlockCount(options_.fault_mebibytes * 256), 2));
    StarSources sources(scratch_ / "faults", image, topology.sources, topology.uplinks);
    const auto problem = sources.problem();
    const auto plan = must(make_plan(problem, Goal::fastest()));
    double others = 0;
    for (std::size_t i = 0; i < problem.sources.size(); ++i)
      others += i == victim ? 0 : problem.sources[i].rate;
    const double undisturbed = run_daemon(sources, image, "undisturbed").seconds;
    report_.add("undisturbed_finish", undisturbed, "s");
    for (const Fault& fault : faults()) {
      for (const int percent : {10, 50, 90}) {
        const std::string name = fault.name + "_at_" + std::to_string(percent);
        note(name);
        const double lost = (1 - percent / 100.0) * static_cast<double>(plan.sources[victim].bytes);
        const auto target = sources.make_target(name);
        testing::StarTransfer transfer(*target, image);
        if (!transfer.wait_for(percent / 100.0, 60s))
          throw std::runtime_error("too early: " + name);
        fault.strike(sources, victim);
        const double added = transfer.finish(120s) - undisturbed;
        fault.mend(sources, victim);
        report_.add(name + "_added", added, "s", Bound::at_most(2 + lost / others));
        if (transfer.wrong_blocks() > 0) throw std::runtime_error(name + ": wrong bytes");
      }
    }
  }

  Options options_;
  Report& report_;
  test::TempDirectory scratch_;
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  Options options;
  bool no_rivals = false;
  CLI::App app{"materializing from several sources", "sources"};
  app.add_option("--size", options.mebibytes, "MiB of the image");
  app.add_option("--fault-size", options.fault_mebibytes, "MiB of the image for faults");
  app.add_option("--pareto-size", options.pareto_mebibytes, "MiB of the image for time and money");
  app.add_option("--only", options.only, "partial, uplink, priced, pareto or faults");
  app.add_option("--scratch", options.scratch, "directory for what is written meanwhile");
  app.add_flag("--no-rivals", no_rivals, "without nearest, random and rarest-first");
  app.add_flag("--json", options.json, "one line for each figure");
  CLI11_PARSE(app, argc, argv);
  options.rivals = !no_rivals;
  Report report("sources", argc, argv);
  return report.run([&] { Bench(options, report).run(); });
}
