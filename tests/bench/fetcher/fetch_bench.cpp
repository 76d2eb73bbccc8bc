// SPDX-License-Identifier: Apache-2.0
// Throughput of one fetch against its link's rate, and without a limit; latency of cold reads.
#include "tests/bench/report.h"
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/tools/running_relay.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

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

struct Transfer {
  double seconds = 0;
  double content_per_second = 0;
  double link_bytes_per_second = 0;  ///< frames included, when through a relay
  std::uint64_t content = 0;
};

/// Materializes an image over a relay with this rate and round trip; 0: directly.
Transfer transfer(const test::SampleImage& image, double mbit, std::chrono::milliseconds rtt) {
  LoopbackNode origin("origin");
  LoopbackNode target("target");
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
  const auto before = relay ? relay->counts().to_client : 0;
  const MaterializeProgress progress = target.materialize(*local);
  Transfer result;
  result.seconds = Seconds(std::chrono::steady_clock::now() - began).count();
  if (progress.state != JobState::done) return {};
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

void cold_reads(bench::Report& report) {
  const test::SampleImage image = image_of(64, false);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
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
  report.add("loopback_incompressible",
             transfer(image_of(256, false), 0, {}).content_per_second / 1e6, "MB/s");
  report.add("loopback_compressible", transfer(image_of(256, true), 0, {}).content_per_second / 1e6,
             "MB/s");
  throughput(report, 100, 20, 64);
  throughput(report, 20, 80, 24);
  throughput(report, 200, 150, 192);
  return report.finish();
}
