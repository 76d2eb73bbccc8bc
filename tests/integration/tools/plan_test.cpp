// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

// Plans through the handlers of the control API.
namespace weft::tools {
namespace {

using fetcher::testing::LoopbackNode;
using test::TestNode;

/// `blocks` random blocks of `seed`, the first `changed` of which are others.
void import_blocks(TestNode& node, const std::string& name, std::uint64_t blocks,
                   std::uint64_t changed = 0, std::uint64_t seed = 1) {
  auto bytes = test::random_blocks(BlockCount(blocks), seed);
  const auto other = test::random_blocks(BlockCount(changed), seed + 1000);
  std::ranges::copy(other, bytes.begin());
  const auto file = node.path(name + ".raw");
  test::write_file(file, bytes);
  static_cast<void>(node.must("POST", "v1/images", {{"file", file.string()}, {"name", name}}));
}

double number(const boost::json::value& object, const char* member) {
  return object.at(member).to_number<double>();
}

boost::json::value source_at(const boost::json::object& plan, const std::string& address) {
  for (const auto& source : plan.at("sources").as_array()) {
    if (source.at("address").as_string() == address) return source;
  }
  throw std::runtime_error("no source " + address);
}

/// Connects `node` to `peer` and waits until it knows `images` of it with their signatures.
void connect(TestNode& node, TestNode& peer, boost::json::object terms, std::uint64_t images) {
  terms["address"] = peer.address();
  static_cast<void>(node.must("POST", "v1/peers", terms));
  const auto learnt = [&] {
    const auto answer = node.must("GET", "v1/peers");
    for (const auto& one : answer.at("peers").as_array()) {
      const auto* exchange = one.as_object().if_contains("exchange");
      if (one.at("address").as_string() != peer.address() || exchange == nullptr) continue;
      return exchange->at("images").to_number<std::uint64_t>() >= images;
    }
    return false;
  };
  ASSERT_TRUE(LoopbackNode::eventually(learnt));
}

class PlanHandler : public ::testing::Test {
 protected:
  TestNode a{TestNode::Kind::networked};
  TestNode b{TestNode::Kind::networked};
  TestNode target{TestNode::Kind::networked};
};

TEST_F(PlanHandler, everything_comes_once_and_each_source_from_what_it_holds) {
  import_blocks(a, "web", 2048);
  import_blocks(b, "relative", 2048, 1024);  // shares the second half
  connect(target, a, {{"price_per_gib", 1}, {"site", "paris"}}, 1);
  connect(target, b, {}, 1);
  ASSERT_TRUE(LoopbackNode::eventually([&] {
    return number(source_at(target.must("GET", "v1/images/web/plan"), b.address()), "bytes") > 0;
  }));
  const auto plan = target.must("GET", "v1/images/web/plan?optimize=cost&epsilon=1000");
  EXPECT_EQ(number(plan, "missing"), 2048 * 4096);
  EXPECT_EQ(number(plan, "unheld"), 0);
  const auto from_a = source_at(plan, a.address());
  const auto from_b = source_at(plan, b.address());
  EXPECT_EQ(from_a.at("site").as_string(), "paris");
  EXPECT_NEAR(number(from_a, "bytes") + number(from_b, "bytes"), number(plan, "wire"), 2);
  EXPECT_NEAR(number(from_b, "bytes"), number(plan, "wire") / 2, number(plan, "wire") / 50)
      << "what the free one shares comes from there";
  EXPECT_NEAR(number(plan, "cost"), number(from_a, "bytes") / (1 << 30), 1e-6);
  EXPECT_NEAR(number(plan, "cost"), number(plan, "least_cost"), 1e-6);
}

TEST_F(PlanHandler, what_is_here_already_is_not_planned) {
  import_blocks(a, "web", 1024, 256);
  import_blocks(target, "base", 1024);
  connect(target, a, {}, 1);
  const auto plan = target.must("GET", "v1/images/web/plan");
  EXPECT_EQ(number(plan, "missing"), 256 * 4096);
  EXPECT_EQ(number(plan, "here"), 768 * 4096);
  const auto own = a.must("GET", "v1/images/web/plan");
  EXPECT_EQ(number(own, "wire"), 0);
  EXPECT_TRUE(own.at("tiers").as_array().empty());
}

TEST_F(PlanHandler, unheld_blocks_and_absent_peers_are_said) {
  import_blocks(a, "web", 1024);
  connect(target, a, {}, 1);
  static_cast<void>(target.must("POST", "v1/peers", {{"address", "127.0.0.1:1"}}));
  const auto plan = target.must("GET", "v1/images/web/plan");
  ASSERT_EQ(plan.at("left_out").as_array().size(), 1u);
  EXPECT_TRUE(plan.at("left_out").at(0).at("reason").as_string().starts_with("not connected"));
  const auto nothing = target.call("GET", "v1/images/nope/plan");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(exit_code(nothing.error()), ExitCode::not_found);
}

TEST_F(PlanHandler, a_budget_that_cannot_be_kept_names_the_least_cost) {
  import_blocks(a, "web", 1024);
  connect(target, a, {{"price_per_gib", 256}}, 1);
  const auto least = number(target.must("GET", "v1/images/web/plan"), "least_cost");
  EXPECT_NEAR(least, 1, 0.02);
  const auto refused = target.call("GET", "v1/images/web/plan?budget=0.5");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::over_budget));
  EXPECT_NE(refused.error().detail.find("1."), std::string::npos) << refused.error().detail;
  EXPECT_EQ(number(target.must("GET", "v1/images/web/plan?budget=2"), "cost"), least);
  for (const char* query : {"budget=-1", "budget=x", "optimize=speed", "epsilon=0.1",
                            "optimize=cost&budget=1", "optimize=cost&epsilon=nan"}) {
    EXPECT_FALSE(target.call("GET", std::string("v1/images/web/plan?") + query)) << query;
  }
}

}  // namespace
}  // namespace weft::tools
