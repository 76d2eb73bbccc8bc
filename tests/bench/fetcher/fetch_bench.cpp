// SPDX-License-Identifier: Apache-2.0
// Throughput of one fetch against its link's rate, and without a limit; latency of cold reads.
#include "tests/bench/report.h"
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/tools/running_relay.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <time.h>

namespace weft::fetcher::testing {
namespace {

using Seconds = std::chrono::duration<double>;

/// Half of it random, half text: zstd makes about half of it.
test::SampleImage image_of(std::uint64_t mebibytes, bool compressible) {
  const BlockCount count(mebibytes * 256);
  std::vector<std::byte> bytes = test::random_blocks(count, mebibytes);
  for (std::size_t at = 0; compressible && at < bytes.size(); at += 2)
    bytes[at] = std::byte{'x'};
  return test::SampleImage(std::move(bytes));
}

/// CPU time of this process: both nodes.
double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

struct Transfer {
  double seconds = 0;
  double cpu = 0;
  double content_per_second = 0;
  double link_bytes_per_second = 0;  ///< frames included, when through a relay
  std::uint64_t content = 0;
};

/// Materializes an image over a relay with this rate and round trip; 0: directly.
Transfer transfer(const test::SampleImage& image, double mbit, std::chrono::milliseconds rtt) {
  const auto nodes =
      std::pair{LoopbackNode::on_real_disk("origin"), LoopbackNode::on_real_disk("target")};
  LoopbackNode& origin = *nodes.first;
  LoopbackNode& target = *nodes.second;
  origin.hold("disk", image);
  origin.serve();
  std::unique_ptr<weft::testing::RunningRelay> relay;
  std::string address = origin.address();
  if (mbit > 0) {
    weft::testing::RelayOptions options;
    options.listen = "127.0.0.1:0";
    options.target = address;
    options.round_trip = rtt;
    options.bits_per_second = static_cast<std::uint64_t>(mbit * 1e6);
    relay = std::make_unique<weft::testing::RunningRelay>(options);
    address = relay->address();
  }
  target.fetcher().add_peer(address);
  const auto local = target.adopt("disk");
  if (!local) {
    std::fprintf(stderr, "%s\n", local.error().message().c_str());
    return {};
  }
  const auto began = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  const auto before = relay ? relay->counts().to_client : 0;
  const MaterializeProgress progress = target.materialize(*local);
  Transfer result;
  result.seconds = Seconds(std::chrono::steady_clock::now() - began).count();
  if (progress.state != JobState::done) return {};
  result.cpu = cpu_seconds() - cpu_before;
  result.content = progress.fetched.value();
  result.content_per_second = static_cast<double>(result.content) / result.seconds;
  if (relay) {
    const auto payload = static_cast<double>(relay->counts().to_client - before);
    result.link_bytes_per_second = payload * (1 + 66.0 / 1448) / result.seconds;
  }
  return result;
}

void throughput(bench::Report& report, double mbit, int rtt_ms, std::uint64_t mebibytes) {
  const Transfer t = transfer(image_of(mebibytes, false), mbit, std::chrono::milliseconds(rtt_ms));
  const std::string name =
      "of_link_" + std::to_string(static_cast<int>(mbit)) + "mbit_" + std::to_string(rtt_ms) + "ms";
  report.add(name, t.link_bytes_per_second * 8 / (mbit * 1e6), "x", bench::Bound::at_least(0.95));
}

/// Both nodes share this machine: what counts is content for CPU time, whoever else runs.
void loopback(bench::Report& report, const std::string& kind, bool compressible) {
  const Transfer t = transfer(image_of(256, compressible), 0, {});
  report.add("loopback_" + kind, t.content_per_second / 1e6, "MB/s");
  report.add("loopback_" + kind + "_per_cpu", static_cast<double>(t.content) / t.cpu / 1e6,
             "MB/cpu-s");
}

void cold_reads(bench::Report& report) {
  const test::SampleImage image = image_of(64, false);
  const auto nodes =
      std::pair{LoopbackNode::on_real_disk("origin"), LoopbackNode::on_real_disk("target")};
  LoopbackNode& origin = *nodes.first;
  LoopbackNode& target = *nodes.second;
  origin.hold("disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  const auto local = target.adopt("disk");
  if (!local) return report.failed(local.error().message());
  std::vector<double> us;
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const BlockIndex block(random() % image.blocks().value());
    if ((*local)->readable({block, BlockCount(1)})) continue;
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = target.read(*local, {block, BlockCount(1)});
    if (!outcome) return report.failed(outcome.error().message());
    us.push_back(Seconds(std::chrono::steady_clock::now() - began).count() * 1e6);
  }
  std::ranges::sort(us);
  report.add("cold_4k_p50", us[us.size() / 2], "us");
  report.add("cold_4k_p99", us[us.size() * 99 / 100], "us");
}

}  // namespace
}  // namespace weft::fetcher::testing

int main(int argc, char** argv) {
  using namespace weft::fetcher::testing;
  weft::bench::Report report("fetch", argc, argv);
  cold_reads(report);
  loopback(report, "incompressible", false);
  loopback(report, "compressible", true);
  throughput(report, 100, 20, 64);
  throughput(report, 20, 80, 24);
  throughput(report, 200, 150, 256);
  return report.finish();
}
