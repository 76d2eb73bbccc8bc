// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fetcher/sources_case.h"

#include "fetcher/plan/planner.h"
#include "tests/bench/must.h"
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/tools/star_transfer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <thread>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using fetcher::plan::Problem;
using fetcher::plan::SourceIndex;
using testing::StarSource;
using testing::StarSources;

constexpr std::uint64_t megabit = 1'000'000;
constexpr auto patience = 600s;

/// Bytes that the sources of the bit set `in` can have sent by `time`.
double sent_by(const Problem& problem, unsigned in, double time) {
  std::vector<double> starts{time};
  for (const auto& source : problem.sources)
    starts.push_back(std::min(source.delay, time));
  std::ranges::sort(starts);
  double sent = 0;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    double alone = 0;
    std::vector<double> sites(problem.sites.size());
    for (std::size_t p = 0; p < problem.sources.size(); ++p) {
      const auto& source = problem.sources[p];
      if ((in >> p & 1U) == 0 || source.delay > starts[i]) continue;
      (source.site ? sites[*source.site] : alone) += source.rate;
    }
    for (std::size_t s = 0; s < sites.size(); ++s)
      alone += std::min(sites[s], problem.sites[s].uplink);
    sent += alone * (starts[i + 1] - starts[i]);
  }
  return sent;
}

double time_to_send(const Problem& problem, unsigned in, double bytes) {
  double low = 0;
  double high = 1e6;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (sent_by(problem, in, middle) < bytes ? low : high) = middle;
  }
  return high;
}

double payload_carried(const StarSources& sources) {
  double frames = 0;
  for (std::size_t i = 0; i < sources.size(); ++i)
    frames += static_cast<double>(sources.star().traffic(i).to_hub);
  return frames * testing::StarNet::payload_share;
}

/// What the blocks cost by the bytes that brought them.
double cost_at(const testing::WeftNode& target) {
  double cost = 0;
  const auto answer = target.query({"peers"});
  for (const auto& peer : answer.at("peers").as_array()) {
    const auto& price = peer.at("price_per_gib");
    if (!price.is_null())
      cost += price.to_number<double>() * peer.at("received_wire").to_number<double>() / (1 << 30);
  }
  return cost;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

MeasuredRun run_in_hub(const StarSources& sources, const test::SampleImage& image,
                       const MakeOrder& order) {
  using Node = fetcher::testing::LoopbackNode;
  const auto target = Node::on_real_disk("target", {.order = order, .beyond_loopback = true});
  for (std::size_t i = 0; i < sources.size(); ++i)
    target->fetcher().add_peer(sources.address(i));
  const bool connected = Node::eventually([&] {
    return std::ranges::all_of(target->fetcher().peers(), [](const auto& peer) {
      return peer.state == fetcher::PeerState::connected;
    });
  });
  if (!connected) throw std::runtime_error("the target does not connect to all sources");
  const auto start = std::chrono::steady_clock::now();
  const auto local = must(target->adopt("disk"));
  const auto job = target->fetcher().materialize(local, {}, nullptr);
  while (!is_final(job->progress().state) && seconds_since(start) < patience / 1s)
    std::this_thread::sleep_for(5ms);
  MeasuredRun run{.seconds = seconds_since(start)};
  if (job->progress().state != fetcher::JobState::done)
    throw std::runtime_error("not materialized: " + job->progress().note);
  const auto peers = target->fetcher().peers();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto peer = std::ranges::find(peers, sources.address(i), &fetcher::PeerStatus::address);
    run.cost +=
        sources.source(i).price * static_cast<double>(peer->received_wire.value()) / (1 << 30);
  }
  std::vector<std::byte> bytes(image.bytes.size());
  must(local->read(ByteOffset(0), bytes));
  if (bytes != image.bytes) throw std::runtime_error("wrong bytes were materialized");
  return run;
}

}  // namespace

std::vector<Topology> topologies() {
  const std::vector<StarSource> four{
      {.rate = 10 * megabit, .round_trip = 20ms, .copy = "########"},
      {.rate = 20 * megabit, .round_trip = 10ms, .copy = "####..##"},
      {.rate = 50 * megabit, .round_trip = 10ms, .copy = "##.#####"},
      {.rate = 100 * megabit, .round_trip = 4ms, .copy = "####....", .other = "....##.#"}};
  std::vector<StarSource> priced = four;
  priced[0].price = 1;
  priced[1].price = 0;
  priced[2].price = 4;
  priced[3].price = 10;
  const std::vector<StarSource> two_sites{
      {.rate = 40 * megabit, .round_trip = 10ms, .copy = "######..", .site = "east"},
      {.rate = 40 * megabit, .round_trip = 10ms, .copy = "..######", .site = "east"},
      {.rate = 20 * megabit, .round_trip = 4ms, .copy = "####....", .other = "......##"},
      {.rate = 30 * megabit, .round_trip = 20ms, .copy = "########"}};
  return {{.name = "partial", .sources = four},
          {.name = "uplink", .sources = two_sites, .uplinks = {{"east", 50 * megabit}}},
          {.name = "priced", .sources = priced}};
}

double bytes_of(const Problem& problem) {
  double bytes = 0;
  for (const auto& one : problem.classes)
    bytes += static_cast<double>(one.bytes);
  return bytes;
}

double rate_of_all(const Problem& problem) {
  const unsigned all = (1U << problem.sources.size()) - 1;
  return sent_by(problem, all, 1e6 + 1) - sent_by(problem, all, 1e6);
}

double bound_of(const Problem& problem) {
  double bound = 0;
  for (unsigned in = 1; in < 1U << problem.sources.size(); ++in) {
    double bytes = 0;
    for (const auto& one : problem.classes) {
      const bool only_there =
          std::ranges::all_of(problem.holder_sets[one.holders],
                              [&](SourceIndex holder) { return (in >> holder & 1U) != 0; });
      if (only_there) bytes += static_cast<double>(one.bytes);
    }
    bound = std::max(bound, time_to_send(problem, in, bytes));
  }
  const auto plan = must(fetcher::plan::make_plan(problem, fetcher::plan::Goal::fastest()));
  if (std::abs(plan.finish() - bound) > 1e-5 * bound)
    throw std::runtime_error("the planner says " + std::to_string(plan.finish()) + " s, not " +
                             std::to_string(bound));
  return bound;
}

MeasuredRun run_daemon(StarSources& sources, const test::SampleImage& image,
                       const std::string& name, const std::vector<std::string>& flags) {
  const auto target = sources.make_target(name);
  const double before = payload_carried(sources);
  testing::StarTransfer transfer(*target, image, {}, flags);
  MeasuredRun run{.seconds = transfer.finish(patience)};
  run.carried = payload_carried(sources) - before;
  run.cost = cost_at(*target);
  run.spent = target->query({"status"}).at("jobs").at(0).at("spent").to_number<double>();
  static_cast<void>(target->stop());
  if (transfer.wrong_blocks() > 0) throw std::runtime_error("wrong bytes were materialized");
  return run;
}

MeasuredRun run_order(StarSources& sources, const test::SampleImage& image,
                      const MakeOrder& order) {
  const double before = payload_carried(sources);
  MeasuredRun run;
  std::exception_ptr trouble;
  std::thread([&] {  // sockets that it and the threads it starts make are in the hub
    try {
      sources.star().enter_hub();
      run = run_in_hub(sources, image, order);
    } catch (...) {
      trouble = std::current_exception();
    }
  })
      .join();
  if (trouble) std::rethrow_exception(trouble);
  run.carried = payload_carried(sources) - before;
  return run;
}

}  // namespace weft::bench
