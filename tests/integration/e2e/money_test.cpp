// SPDX-License-Identifier: Apache-2.0
// Real daemons behind shaped cables that have prices: a budget is not exceeded, whoever reads, and
// though the node dies.
#include "fetcher/plan/planner.h"
#include "tests/integration/e2e/e2e_fixture.h"
#include "tests/integration/e2e/mount_reader.h"
#include "tests/support/tools/star_sources.h"
#include "tests/support/tools/star_transfer.h"

#include <memory>
#include <string>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using test::SampleImage;

constexpr std::uint64_t megabit = 1'000'000;
constexpr std::uint64_t image_blocks = 8 * 1024;  // 32 MiB
constexpr double gib = 1 << 30;
/// From each source, what is neither content nor tree: greetings, lists, acknowledgements.
constexpr double other_bytes = 128 << 10;

std::vector<StarSource> priced_sources() {
  return {{.rate = 20 * megabit, .round_trip = 4ms, .copy = "########", .price = 1},
          {.rate = 20 * megabit, .round_trip = 2ms, .copy = "####..##", .price = 0.5},
          {.rate = 100 * megabit, .round_trip = 2ms, .copy = "##.#####", .price = 10}};
}

class Money : public E2eMountTest {
 protected:
  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    if (!StarNet::possible()) GTEST_SKIP() << "namespaces need root, iproute2 and util-linux";
    sources_ = std::make_unique<StarSources>(directory_ / "sources", image_, priced_sources());
    target_ = sources_->make_target("target");
    before_ = carried_cost();
  }
  void mount() {
    const auto directory = new_directory("mount");
    expect_ok(target_->weft({"mount", "disk", directory, "--policy", "eio"}));
    reader_ = std::make_unique<MountReader>(directory / "disk.raw", image_);
  }
  std::unique_ptr<StarTransfer> materialize(double budget) const {
    return std::make_unique<StarTransfer>(
        *target_, image_, std::vector<std::string>{},
        std::vector<std::string>{"--budget", std::to_string(budget)});
  }
  /// As it is written on the command line.
  [[nodiscard]] static double rounded(double money) { return std::stod(std::to_string(money)); }
  /// What all blocks cost from their cheapest sources, and what the fastest plan costs.
  [[nodiscard]] std::pair<double, double> range_of_costs() const {
    const auto fastest =
        fetcher::plan::make_plan(sources_->problem(), fetcher::plan::Goal::fastest());
    return {fastest->least_cost, fastest->cost};
  }
  /// By what the target says it received, without trees.
  [[nodiscard]] double received_cost() const {
    double cost = 0;
    const auto answer = target_->query({"peers"});
    for (const auto& peer : answer.at("peers").as_array()) {
      cost += peer.at("price_per_gib").to_number<double>() *
              peer.at("received_wire").to_number<double>() / gib;
    }
    return cost;
  }
  /// By what the cables carried.
  [[nodiscard]] double carried_cost() const {
    double cost = 0;
    for (std::size_t i = 0; i < sources_->size(); ++i) {
      cost += sources_->source(i).price * StarNet::payload_share *
              static_cast<double>(sources_->star().traffic(i).to_hub) / gib;
    }
    return cost - before_;
  }
  /// Of the same, what a budget does not count.
  [[nodiscard]] double other_cost() const {
    double cost = 0;
    for (std::size_t i = 0; i < sources_->size(); ++i)
      cost += sources_->source(i).price * other_bytes / gib;
    return cost;
  }
  [[nodiscard]] double spent() const {
    const auto status = target_->query({"status"});
    const auto& jobs = status.at("jobs").as_array();
    return jobs.empty() ? 0 : jobs.at(0).at("spent").to_number<double>();
  }

  const SampleImage image_{test::random_blocks(BlockCount(image_blocks), 1)};
  std::unique_ptr<StarSources> sources_;
  std::unique_ptr<WeftNode> target_;
  std::unique_ptr<MountReader> reader_;
  double before_ = 0;
};

TEST_F(Money, readers_and_the_job_together_keep_the_budget) {
  const auto [least, most] = range_of_costs();
  const double budget = rounded(least + 0.2 * (most - least));
  mount();  // its first reads are before the job, and cost what they do
  const auto transfer = materialize(budget);
  ASSERT_TRUE(soon([&] { return !target_->query({"status"}).at("jobs").as_array().empty(); }));
  const double before_job = received_cost();
  std::optional<ExitStatus> end;
  for (int i = 0; i < 240 && !end; ++i) {
    end = transfer->ended(std::chrono::seconds(0));
    EXPECT_LE(spent(), budget * (1 + 1e-9));
    EXPECT_LE(received_cost() - before_job, budget);
    std::this_thread::sleep_for(250ms);
  }
  ASSERT_TRUE(end) << target_->log();
  // Readers take what is soonest, so the money may end before the image does.
  EXPECT_TRUE(end->ok() || end->code == static_cast<int>(ExitCode::over_budget)) << transfer->err();
  std::this_thread::sleep_for(1s);  // of more reads
  EXPECT_LE(received_cost() - before_job, budget);
  EXPECT_LE(spent(), budget * (1 + 1e-9));
  EXPECT_GT(spent(), least / 2);
  EXPECT_LE(carried_cost(), before_job + budget + other_cost());
  reader_->end();
  EXPECT_EQ(reader_->wrong(), 0U);
}

TEST_F(Money, that_pays_for_all_brings_all) {
  const auto [least, most] = range_of_costs();
  const double budget = rounded(least + 0.5 * (most - least));
  const auto transfer = materialize(budget);
  transfer->finish(120s);
  EXPECT_EQ(transfer->wrong_blocks(), 0U);
  EXPECT_LE(spent(), budget);
  EXPECT_LE(carried_cost(), budget + other_cost());
}

TEST_F(Money, that_is_too_little_is_said_at_once_and_in_the_end) {
  const double budget = rounded(0.4 * range_of_costs().first);
  const auto transfer = materialize(budget);
  ASSERT_TRUE(transfer->says("does not pay", 20s)) << "long before the money is spent";
  EXPECT_LT(spent(), 0.9 * budget);
  const auto end = transfer->ended(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, static_cast<int>(ExitCode::over_budget)) << transfer->err();
  EXPECT_NE(transfer->err().find("--budget"), std::string::npos) << transfer->err();
  EXPECT_GT(spent(), 0.9 * budget) << "what came stays";
  EXPECT_LE(carried_cost(), budget + other_cost());
  EXPECT_NE(target_->weft({"status"}).out.find("does not pay"), std::string::npos);
  // More money, and the rest comes.
  const auto again = materialize(2 * range_of_costs().second);
  again->finish(60s);
  EXPECT_EQ(again->wrong_blocks(), 0U);
}

TEST_F(Money, is_not_spent_twice_by_a_node_that_dies) {
  const auto [least, most] = range_of_costs();
  const double budget = rounded(least + 0.3 * (most - least));
  auto transfer = materialize(budget);
  for (const double fraction : {0.2, 0.4}) {
    ASSERT_TRUE(soon([&] { return spent() > fraction * budget; }));
    const double before = spent();
    target_->kill_all();
    transfer = nullptr;
    target_->start();
    EXPECT_GE(spent(), before) << "what may have been spent counts";
  }
  const auto waited = target_->weft({"materialize", "disk", "--budget", std::to_string(budget)},
                                    std::chrono::minutes(2));
  EXPECT_TRUE(waited.status.ok() || waited.status.code == static_cast<int>(ExitCode::over_budget))
      << waited.err;
  EXPECT_LE(carried_cost(), budget + other_cost());
  EXPECT_LE(spent(), budget * (1 + 1e-9));
}

TEST_F(Money, that_is_no_number_changes_nothing) {
  for (const auto* wrong : {"-1", "all", "nan", "1e99"}) {
    expect_trouble(target_->weft({"materialize", "disk", std::string("--budget=") + wrong}),
                   ExitCode::usage, wrong);
  }
  expect_trouble(target_->weft({"materialize", "disk", "--epsilon", "0.1"}), ExitCode::usage,
                 "epsilon");
  expect_trouble(target_->weft({"materialize", "disk", "--optimize", "cost", "--budget", "1"}),
                 ExitCode::usage, "budget");
  EXPECT_TRUE(target_->query({"status"}).at("jobs").as_array().empty());
  EXPECT_TRUE(target_->query({"images"}).at("images").as_array().empty());
}

}  // namespace
}  // namespace weft::testing
