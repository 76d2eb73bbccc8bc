// SPDX-License-Identifier: Apache-2.0
// What prefetch does to those who wait: the time of single reads over a shaped cable without
// prefetch, beside prefetch that leaves room on the link, and beside one that fills it. A real
// daemon serves, a fetcher in this process reads. Needs root.
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/star_sources.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using Node = fetcher::testing::LoopbackNode;

struct Options {
  std::uint64_t mebibytes = 256;
  std::size_t reads = 400;
  std::size_t runs = 3;
  std::string scratch = "/var/tmp";
  std::string link;  // empty: both
  bool json = false;
};

struct Link {
  std::string name;
  std::uint64_t megabits;
  std::chrono::milliseconds round_trip;
};

enum class Prefetching { off, capped, full };

struct Measured {
  double p50 = 0;  ///< milliseconds
  double p99 = 0;
  double prefetched = 0;  ///< bytes a second, beside the reads
};

/// Bytes of content that the cable carries in a second: this content does not compress.
double content_rate(const Link& link) {
  return static_cast<double>(link.megabits) * 125'000 * testing::StarNet::payload_share;
}
double batch_ms(const Link& link) {
  return 32 * 4096 / content_rate(link) * 1e3;
}

class Reader {
 public:
  Reader(Node& node, std::shared_ptr<LocalImage> image) : node_(node), image_(std::move(image)) {}

  /// One block each, at random places of the last eighth, one every 30 ms whatever becomes of those
  /// before. A job goes in image order and is not there yet.
  Measured read(std::size_t reads) {
    const std::uint64_t blocks = image_->shape().blocks().value();
    std::vector<std::uint64_t> order(blocks / 8);
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = blocks - order.size() + i;
    std::ranges::shuffle(order, std::mt19937_64(7));
    // Far apart: neighbours would be read ahead.
    std::vector<double> times(reads, -1);
    std::atomic<std::size_t> answered{0};
    auto next = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < reads; ++i, next += 30ms) {
      std::this_thread::sleep_until(next);
      const auto begun = std::chrono::steady_clock::now();
      node_.fetcher().read({.image = image_,
                            .range = {BlockIndex(order.at(i)), BlockCount(1)},
                            .deadline = begun + 60s,
                            .hold = true},
                           [&times, &answered, i, begun](Result<fetcher::FetchOutcome> outcome) {
                             const auto took = std::chrono::steady_clock::now() - begun;
                             if (outcome)
                               times[i] = std::chrono::duration<double, std::milli>(took).count();
                             ++answered;
                           });
    }
    if (!Node::eventually([&] { return answered == reads; }))
      throw std::runtime_error("reads are not answered");
    std::ranges::sort(times);
    if (times.front() < 0) throw std::runtime_error("a read failed");
    return {times[reads / 2], times[reads * 99 / 100]};
  }

 private:
  Node& node_;
  std::shared_ptr<LocalImage> image_;
};

Measured measure_in_hub(const testing::StarSources& sources, const test::SampleImage& image,
                        const Link& link, Prefetching prefetching, std::size_t reads) {
  const auto target = Node::on_real_disk("target", {.beyond_loopback = true});
  target->fetcher().add_peer(sources.address(0));
  const auto local = must(target->adopt("disk"));
  must(image.send_tree(*local));
  std::shared_ptr<fetcher::MaterializeJob> job;
  if (prefetching != Prefetching::off) {
    fetcher::MaterializeOptions options;
    if (prefetching == Prefetching::capped) options.bytes_per_second = content_rate(link) / 4;
    job = target->fetcher().materialize(local, options, nullptr);
    std::this_thread::sleep_for(1500ms);
  }
  Reader reader(*target, local);
  const std::uint64_t before = target->fetcher().statistics().received.value();
  const auto begun = std::chrono::steady_clock::now();
  Measured measured = reader.read(reads);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const double read = static_cast<double>(reads * block_size);
  measured.prefetched =
      (static_cast<double>(target->fetcher().statistics().received.value() - before) - read) /
      seconds;
  if (job && is_final(job->progress().state))
    throw std::runtime_error("the job was over before the reads: a larger --size is needed");
  if (job) job->cancel();
  return measured;
}

Measured measure(testing::StarSources& sources, const test::SampleImage& image, const Link& link,
                 Prefetching prefetching, std::size_t reads) {
  Measured measured;
  std::exception_ptr trouble;
  std::thread([&] {  // sockets that it and the threads it starts make are in the hub
    try {
      sources.star().enter_hub();
      measured = measure_in_hub(sources, image, link, prefetching, reads);
    } catch (...) {
      trouble = std::current_exception();
    }
  })
      .join();
  if (trouble) std::rethrow_exception(trouble);
  return measured;
}

double median(const std::vector<Measured>& runs, double Measured::* figure) {
  std::vector<double> values;
  for (const Measured& run : runs)
    values.push_back(run.*figure);
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void run(const Options& options, Report& report) {
  if (!testing::StarNet::possible()) throw std::runtime_error("needs root, ip, tc and nsenter");
  const test::TempDirectory scratch(options.scratch);
  for (const Link& link : {Link{"fast", 100, 20ms}, Link{"thin", 20, 80ms}}) {
    if (!options.link.empty() && options.link != link.name) continue;
    std::fprintf(stderr, "foreground: %s link\n", link.name.c_str());
    const test::SampleImage image(test::random_blocks(BlockCount(options.mebibytes * 256), 1));
    testing::StarSources sources(
        scratch / link.name, image,
        {{.rate = link.megabits * 1'000'000, .round_trip = link.round_trip, .copy = "#"}});
    std::vector<Measured> off;
    std::vector<Measured> capped;
    std::vector<Measured> full;
    for (std::size_t i = 0; i < options.runs; ++i) {
      off.push_back(measure(sources, image, link, Prefetching::off, options.reads));
      capped.push_back(measure(sources, image, link, Prefetching::capped, options.reads));
      full.push_back(measure(sources, image, link, Prefetching::full, options.reads));
    }
    const double alone = median(off, &Measured::p99);
    const auto add = [&](const std::string& how, const std::vector<Measured>& runs, Bound p99) {
      report.add(link.name + "_" + how + "_p50", median(runs, &Measured::p50), "ms");
      report.add(link.name + "_" + how + "_p99", median(runs, &Measured::p99), "ms", p99);
      report.add(link.name + "_" + how + "_prefetched", median(runs, &Measured::prefetched) / 1e6,
                 "MB/s");
    };
    report.add(link.name + "_batch", batch_ms(link), "ms");
    add("off", off, {});
    add("capped", capped, Bound::at_most(1.2 * alone));
    add("full", full, Bound::at_most(alone + batch_ms(link)));
  }
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  Options options;
  CLI::App app{"reads beside prefetch", "foreground"};
  app.add_option("--size", options.mebibytes, "MiB of the image");
  app.add_option("--reads", options.reads, "in each case");
  app.add_option("--runs", options.runs,
                 "of each case, in turn; the median of their figures is shown")
      ->check(CLI::Range(1, 99));
  app.add_option("--link", options.link, "only this one: fast (100 Mbit/s, 20 ms), thin (20, 80)")
      ->check(CLI::IsMember({"fast", "thin"}));
  app.add_option("--scratch", options.scratch, "directory for what is written meanwhile");
  app.add_flag("--json", options.json, "one line for each figure");
  CLI11_PARSE(app, argc, argv);
  Report report("foreground", argc, argv);
  return report.run([&] { run(options, report); });
}
