// SPDX-License-Identifier: Apache-2.0
// How long a guest takes to be ready when its image is on another host: with weft, in several
// modes, and in other ways over the same link. The clock starts with the first command that an
// admin gives, and stops when the guest is up.
#include "tests/bench/boot/boots.h"
#include "tests/bench/boot/ways.h"
#include "tests/bench/report.h"
#include "tests/bench/tools/transfer_case.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/link_floor.h"
#include "tests/support/tools/weft_node.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weft::bench {
namespace {

struct Options {
  std::vector<std::string> links{"100/20", "20/80"};  ///< Mbit/s / ms
  std::vector<std::string> kinds{"guest", "replay", "fast"};
  std::vector<std::string> only;
  unsigned rounds = 1;
  std::string scratch = "/var/tmp";
};

struct Link {
  std::string name;
  testing::RelayOptions shape;
  bool thin = false;
};

/// What boots: a guest, or its reads with 1 or 0.1 × the thinking.
struct Kind {
  std::string name;
  std::optional<double> thinking;  ///< nullopt: a guest
};

Link link_of(const std::string& text) {
  unsigned mbit = 0;
  unsigned ms = 0;
  if (std::sscanf(text.c_str(), "%u/%u", &mbit, &ms) != 2 || mbit == 0)
    throw std::runtime_error("a link is MBIT/MS, not " + text);
  Link link{"at_" + std::to_string(mbit), {}, mbit < 50};
  link.shape.bits_per_second = std::uint64_t{mbit} * 1'000'000;
  link.shape.round_trip = std::chrono::milliseconds(ms);
  return link;
}

Kind kind_of(const std::string& name) {
  if (name == "guest") return {name, std::nullopt};
  if (name == "replay") return {name, 1.0};
  if (name == "fast") return {name, 0.1};
  throw std::runtime_error("a kind is guest, replay or fast, not " + name);
}

/// The images of tests/bench/make-images.
NamedFile image(const std::string& name) {
  const auto made = testing::run({std::string(WEFT_SOURCE_DIR) + "/tests/bench/make-images", name},
                                 std::chrono::minutes(20));
  std::istringstream line(made.out);
  NamedFile file;
  if (!made.status.ok() || !(line >> file.name >> file.file)) throw std::runtime_error(made.err);
  return file;
}

class Bench {
 public:
  Bench(Options options, Report& report)
      : options_(std::move(options)), report_(report), scratch_(options_.scratch) {}

  void run() {
    target_ = image("base-updated");
    relative_ = image("base");
    note("recording boots");
    for (auto* node : {&bare_, &knows_, &knows_relative_}) {
      node->start();
      publish(*node, target_);
    }
    publish(knows_relative_, relative_);
    if (wanted("own_profile")) record_profile(knows_, target_.name, scratch_.path());
    if (wanted("relatives_profile"))
      record_profile(knows_relative_, relative_.name, scratch_.path());
    trace_ = record_reads(target_.file, scratch_.path());
    report_.add("guest_thinking", std::chrono::duration<double>(trace_.thinking()).count(), "s");
    report_.add("guest_reads", static_cast<double>(trace_.reads.size()), "");
    arrivals_.emplace(trace_, target_.file);
    report_.add("guest_needs", static_cast<double>(arrivals_->bytes()) / 1e6, "MB");
    for (const auto& link : options_.links) {
      for (const auto& kind : options_.kinds)
        compare(link_of(link), kind_of(kind));
    }
  }

 private:
  using Make = std::function<std::unique_ptr<Way>()>;

  static void note(const std::string& what) { std::fprintf(stderr, "boot: %s\n", what.c_str()); }

  [[nodiscard]] bool wanted(const std::string& way) const {
    return options_.only.empty() || std::ranges::count(options_.only, way) > 0;
  }

  void compare(const Link& link, const Kind& kind) {
    const FarImage far{target_.name, target_.file, link.shape, scratch_.path()};
    const auto weft = [&](const testing::WeftNode& source, const char* prefetch) {
      return [far, &source, prefetch] {
        return weft_disk(far, source.address(), {"--prefetch", prefetch});
      };
    };
    const std::vector<std::pair<std::string, Make>> ways{
        {"all_local", [&] { return local_disk(target_.file); }},
        {"full_copy", [&] { return copied_disk(far); }},
        {"on_demand", weft(bare_, "off")},
        {"sequential", weft(bare_, "sequential")},
        {"no_profile", weft(bare_, "boot")},
        {"own_profile", weft(knows_, "boot")},
        {"relatives_profile", weft(knows_relative_, "boot")},
        {"qemu_nbd_client", [&] { return nbd_disk(far, kind.thinking.has_value()); }},
        {"qemu_fuse_export", [&] { return exported_disk(far); }},
    };
    std::map<std::string, double> ready;
    for (const auto& [name, make] : ways) {
      if (!wanted(name)) continue;
      note(link.name + " " + kind.name + " " + name);
      ready[name] = measure(link.name + "_" + kind.name + "_" + name, make, kind);
    }
    judge(link, kind, ready);
  }

  double measure(const std::string& figure, const Make& make, const Kind& kind) {
    std::vector<double> all;
    Boot boot;
    for (unsigned i = 0; i < options_.rounds; ++i) {
      const auto way = make();
      boot = kind.thinking ? boot_replayed(*way, trace_, *kind.thinking) : boot_guest(*way);
      all.push_back(boot.seconds);
    }
    std::ranges::sort(all);
    const double median = all[all.size() / 2];
    report_.add(figure, median, "s");
    if (boot.received > 0)
      report_.add(figure + "_received", static_cast<double>(boot.received) / 1e6, "MB");
    return median;
  }

  /// Seconds that the link adds to a local boot even for who foresees all of it.
  [[nodiscard]] double added_by_link(const Link& link, double thinking) const {
    const double rate = static_cast<double>(link.shape.bits_per_second) / 8;
    const testing::Seconds ready =
        testing::earliest_ready(trace_, thinking, *arrivals_, rate, link.shape.round_trip);
    return std::max(0.0, ready.count() - testing::Seconds(trace_.thinking()).count() * thinking);
  }

  /// What must be reached, as far as it was measured.
  void judge(const Link& link, const Kind& kind, const std::map<std::string, double>& ready) {
    const auto seconds = [&](const char* way) -> std::optional<double> {
      const auto found = ready.find(way);
      return found == ready.end() ? std::nullopt : std::optional(found->second);
    };
    const auto local = seconds("all_local");
    const auto demand = seconds("on_demand");
    if (!local || !demand) return;
    const std::string prefix = link.name + "_" + kind.name + "_";
    const double floor = *local + added_by_link(link, kind.thinking.value_or(1));
    report_.add(prefix + "link_floor", floor, "s");
    const double closable = (*demand - floor) / (*demand - *local);
    report_.add(prefix + "closable", closable, "");
    // Of the gap between on demand and local. A link that cannot carry in time what the boot begins
    // with leaves less than that to close: then of what it leaves.
    const auto closes = [&](const std::string& way, double part) {
      const auto it = seconds(way.c_str());
      if (!it) return;
      const bool possible = closable >= part;
      report_.add(prefix + way + "_closes", (*demand - *it) / (*demand - *local), "",
                  possible ? Bound::at_least(part) : Bound());
      report_.add(prefix + way + "_closes_of_closable", (*demand - *it) / (*demand - floor), "",
                  possible ? Bound() : Bound::at_least(part));
    };
    const auto of_local = [&](const char* way, std::optional<double> most) {
      if (const auto it = seconds(way))
        report_.add(prefix + way + "_of_local", *it / *local, "x",
                    most ? Bound::at_most(*most) : Bound());
    };
    // A fast guest on any link, and any guest on a thin one, waits for the bytes alone.
    const bool in_time = !link.thin && (!kind.thinking || *kind.thinking >= 1);
    of_local("own_profile", in_time ? std::optional(1.1) : std::nullopt);
    of_local("no_profile", in_time && !kind.thinking ? std::optional(1.5) : std::nullopt);
    closes("own_profile", 0.9);
    closes("relatives_profile", 0.7);
    for (const char* way : {"own_profile", "relatives_profile", "no_profile"}) {
      // A tenth for the noise of two boots.
      if (const auto it = seconds(way))
        report_.add(prefix + way + "_of_on_demand", *it / *demand, "x", Bound::at_most(1.1));
    }
  }

  Options options_;
  Report& report_;
  test::TempDirectory scratch_;
  NamedFile target_;
  NamedFile relative_;
  testing::WeftNode bare_{scratch_ / "bare"};
  testing::WeftNode knows_{scratch_ / "knows"};
  testing::WeftNode knows_relative_{scratch_ / "knows-relative"};
  testing::ReadTrace trace_;
  std::optional<testing::EarliestArrivals> arrivals_;
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  Options options;
  CLI::App app{"time until a guest is ready whose image is on another host", "boot"};
  app.add_option("--link", options.links, "MBIT/MS; may be repeated")->allow_extra_args(false);
  app.add_option("--kind", options.kinds,
                 "guest, replay (its reads) or fast (with a tenth of its thinking)")
      ->allow_extra_args(false);
  app.add_option("--only", options.only, "way to get at the image; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--rounds", options.rounds, "medians of so many boots")
      ->check(CLI::Range(1U, 99U));
  app.add_option("--scratch", options.scratch, "directory for what is written meanwhile");
  bool json = false;
  app.add_flag("--json", json, "one line for each figure");
  CLI11_PARSE(app, argc, argv);
  Report report("boot", argc, argv);
  return report.run([&] { Bench(options, report).run(); });
}
