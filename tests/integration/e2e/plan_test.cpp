// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"
#include "tests/support/tools/running_relay.h"

#include <boost/json.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

// Links, what they cost, and the plan that follows, as users of the command have them.
namespace weft::testing {
namespace {

constexpr double mbit = 1e6 / 8;

class PlanTest : public E2eTest {
 protected:
  PlanTest() : fast_(directory_ / "fast" / "state"), slow_(directory_ / "slow" / "state") {
    fast_.start();
    slow_.start();
    to_fast_ = link_to(fast_, 80);
    to_slow_ = link_to(slow_, 20);
  }
  static std::unique_ptr<RunningRelay> link_to(const WeftNode& node, double mbit_per_second) {
    RelayOptions options;
    options.target = node.address();
    options.bits_per_second = static_cast<std::uint64_t>(mbit_per_second * 1e6);
    options.round_trip = std::chrono::milliseconds(20);
    options.listen = "127.0.0.1:0";
    return std::make_unique<RunningRelay>(options);
  }
  static boost::json::value peer(const WeftNode& node, const std::string& address) {
    const auto peers = node.query({"peers"});
    for (const auto& one : peers.at("peers").as_array()) {
      if (one.at("address").as_string() == address) return one;
    }
    throw std::runtime_error("no peer " + address);
  }
  static bool listed(const WeftNode& node, const std::string& address) {
    const auto one = peer(node, address);
    const auto* exchange = one.as_object().if_contains("exchange");
    return exchange != nullptr && exchange->at("images").to_number<int>() > 0;
  }
  static double rate_in(const WeftNode& node, const std::string& address) {
    const auto rate = peer(node, address).at("link").at("rate_in");
    return rate.is_null() ? 0 : rate.at("mean").to_number<double>();
  }
  static double number(const boost::json::value& object, const char* member) {
    return object.at(member).to_number<double>();
  }

  WeftNode fast_;
  WeftNode slow_;
  std::unique_ptr<RunningRelay> to_fast_;
  std::unique_ptr<RunningRelay> to_slow_;
};

TEST_F(PlanTest, links_are_measured_and_survive_a_restart) {
  WeftNode target(directory_ / "target" / "state");
  target.start();
  const auto warm = image_file("warm.raw", 16);
  expect_ok(fast_.weft({"import", warm, "--name", "warm"}));
  expect_ok(target.weft({"materialize", "warm", "--peer", to_fast_->address()}));
  const double measured = rate_in(target, to_fast_->address());
  EXPECT_NEAR(measured, 80 * mbit, 25 * mbit);
  const auto before = peer(target, to_fast_->address()).at("link").at("rate_in");
  EXPECT_LE(number(before, "low"), measured);
  EXPECT_GE(number(before, "high"), measured);
  const auto table = target.weft({"peers"});
  EXPECT_NE(table.out.find("±"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("LOSS"), std::string::npos);

  to_fast_->command("down");  // nothing can be measured again
  target.stop();
  target.start();
  ASSERT_TRUE(soon([&] { return rate_in(target, to_fast_->address()) > 0; }));
  EXPECT_NEAR(rate_in(target, to_fast_->address()), measured, measured * 0.01);
}

TEST_F(PlanTest, plan_of_two_links_is_what_their_rates_allow) {
  WeftNode target(directory_ / "target" / "state");
  target.start();
  const auto cold = image_file("cold.raw", 32);
  for (const auto* node : {&fast_, &slow_})
    expect_ok(node->weft({"import", cold, "--name", "cold"}));
  expect_ok(target.weft({"peers", "add", to_fast_->address(), "--price", "2", "--site", "paris"}));
  expect_ok(target.weft({"peers", "add", to_slow_->address()}));
  ASSERT_TRUE(soon(
      [&] { return listed(target, to_fast_->address()) && listed(target, to_slow_->address()); }));

  const auto plan = target.query({"plan", "cold"});
  ASSERT_EQ(plan.at("sources").as_array().size(), 2u);
  double bytes = 0;
  double rate = 0;
  for (const auto& source : plan.at("sources").as_array()) {
    bytes += number(source, "bytes");
    rate += number(source, "rate");
    EXPECT_GT(number(source, "bytes"), 0);
    EXPECT_FALSE(source.at("why").as_string().empty());
  }
  EXPECT_NEAR(bytes, number(plan, "wire"), 4);
  EXPECT_GE(number(plan, "finish"), bytes / rate * 0.999);
  EXPECT_LE(number(plan, "finish"), number(plan, "bound") * 1.0001);
  EXPECT_GT(number(plan, "cost"), 0);
  EXPECT_EQ(number(plan, "least_cost"), 0) << "the slow one has all of it, for nothing";

  const auto cheap = target.query({"plan", "cold", "--budget", "0"});
  EXPECT_EQ(number(cheap, "cost"), 0);
  EXPECT_GT(number(cheap, "finish"), number(plan, "finish"));
  const auto pareto = target.query({"plan", "cold", "--pareto"}).at("pareto").as_array();
  ASSERT_GT(pareto.size(), 2u);
  for (std::size_t i = 1; i < pareto.size(); ++i) {
    EXPECT_GE(number(pareto[i], "cost"), number(pareto[i - 1], "cost"));
    EXPECT_LE(number(pareto[i], "finish"), number(pareto[i - 1], "finish") * 1.0001);
    EXPECT_LE(number(pareto[i], "cost"), number(pareto[i], "budget") * 1.0001 + 1e-12);
  }
  const auto text = target.weft({"plan", "cold", "--pareto"});
  expect_ok(text);
  for (const auto* word : {"FROM", "TIER", "paris", "BUDGET", "no plan is faster than"})
    EXPECT_NE(text.out.find(word), std::string::npos) << word << "\n" << text.out;
}

TEST_F(PlanTest, trouble_is_told_with_its_exit_code) {
  WeftNode target(directory_ / "target" / "state");
  target.start();
  expect_ok(fast_.weft({"import", image_file("web.raw", 2), "--name", "web"}));
  expect_ok(target.weft({"peers", "add", to_fast_->address(), "--price", "1"}));
  ASSERT_TRUE(soon([&] { return listed(target, to_fast_->address()); }));
  expect_trouble(target.weft({"plan", "nothing"}), ExitCode::not_found, "nothing");
  expect_trouble(target.weft({"plan", "web", "--budget", "0.000001"}), ExitCode::over_budget,
                 "the cheapest costs");
  expect_trouble(target.weft({"plan", "web", "--budget", "cheap"}), ExitCode::usage, "cheap");
  expect_trouble(target.weft({"plan", "web", "--optimize", "fun"}), ExitCode::usage, "fun");
  expect_trouble(target.weft({"plan", "web", "--epsilon", "0.1"}), ExitCode::usage, "epsilon");
  fast_.stop();
  ASSERT_TRUE(soon(
      [&] { return peer(target, to_fast_->address()).at("state").as_string() != "connected"; }));
  expect_trouble(target.weft({"plan", "web"}), ExitCode::unreachable, "hold");
  const WeftNode idle(directory_ / "idle" / "state");
  expect_trouble(idle.weft({"plan", "web"}), ExitCode::unreachable, "daemon");
}

TEST_F(PlanTest, what_is_here_needs_no_plan) {
  expect_ok(fast_.weft({"import", image_file("web.raw", 2), "--name", "web"}));
  const auto plan = fast_.query({"plan", "web"});
  EXPECT_EQ(number(plan, "wire"), 0);
  EXPECT_EQ(number(plan, "finish"), 0);
  EXPECT_NE(fast_.weft({"plan", "web"}).out.find("all of it is here"), std::string::npos);
}

}  // namespace
}  // namespace weft::testing
