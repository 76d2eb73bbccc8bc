// SPDX-License-Identifier: Apache-2.0
// What a job may spend: kept while it runs, over restarts, and told when it is not enough.
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using test::TestNode;

constexpr double price_per_mib = 1.0 / 1024;  // at 1 per GiB

class Budget : public ::testing::Test {
 protected:
  /// The image is at `a`, which takes 1 for a GiB.
  void offer(std::size_t mib) {
    a.import_random("web", mib, 1);
    static_cast<void>(
        b.must("POST", "v1/peers", {{"address", a.address()}, {"price_per_gib", 1.0}}));
  }
  object job() { return b.must("GET", "v1/jobs/web"); }
  double spent() { return job().at("spent").to_number<double>(); }
  template <class Condition>
  static bool soon(const Condition& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  TestNode a{TestNode::Kind::networked};
  TestNode b{TestNode::Kind::networked};
};

TEST_F(Budget, that_is_too_small_ends_the_wait_and_a_larger_one_goes_on) {
  offer(8);
  const double small = 2 * price_per_mib;
  const auto waited =
      b.call("POST", "v1/jobs", {{"image", "web"}, {"budget", small}, {"wait", true}});
  ASSERT_FALSE(waited);
  EXPECT_EQ(exit_code(waited.error()), ExitCode::over_budget) << waited.error().message();
  EXPECT_NE(waited.error().detail.find("larger --budget"), std::string::npos);
  const object waits = job();
  EXPECT_EQ(waits.at("state"), "waiting");
  EXPECT_TRUE(waits.at("out_of_money").as_bool());
  EXPECT_FALSE(waits.at("note").as_string().empty());
  EXPECT_EQ(waits.at("budget").to_number<double>(), small);
  EXPECT_LE(spent(), small);
  EXPECT_GT(spent(), 0.8 * small) << "what it pays for has come";
  EXPECT_GT(waits.at("fetched").to_number<std::uint64_t>(), 1U << 20);

  const double enough = 9 * price_per_mib;
  const auto done =
      b.must("POST", "v1/jobs", {{"image", "web"}, {"budget", enough}, {"wait", true}});
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_LE(done.at("spent").to_number<double>(), enough);
  EXPECT_GT(done.at("spent").to_number<double>(), 8 * price_per_mib) << "with what came before";
}

TEST_F(Budget, is_not_given_again_by_a_restart) {
  offer(16);
  const double budget = 6 * price_per_mib;
  static_cast<void>(
      b.must("POST", "v1/jobs", {{"image", "web"}, {"budget", budget}, {"bytes_per_second", 2e6}}));
  ASSERT_TRUE(soon([&] { return spent() > price_per_mib; }));
  const double before = spent();
  b.restart();
  EXPECT_GE(spent(), before * (1 - 1e-12)) << "but for the decimals of the record";
  EXPECT_EQ(job().at("budget").to_number<double>(), budget);
  const auto waited = b.call("GET", "v1/jobs/web/wait");
  ASSERT_FALSE(waited);
  EXPECT_TRUE(waited.error().is(Errc::over_budget)) << waited.error().message();
  EXPECT_LE(spent(), budget);
  const auto image = b.must("GET", "v1/images/web").at("blocks").as_object();
  const double here = image.at("resident").to_number<double>() / 256 * price_per_mib;
  EXPECT_LE(here, budget) << "of both processes together";
}

TEST_F(Budget, is_kept_by_the_cheapest_when_cost_matters) {
  offer(2);
  const auto done =
      b.must("POST", "v1/jobs",
             {{"image", "web"}, {"optimize", "cost"}, {"epsilon", 0.1}, {"wait", true}});
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_TRUE(done.at("budget").is_null());
  EXPECT_NEAR(done.at("spent").to_number<double>(), 2 * price_per_mib, 0.1 * price_per_mib);
}

TEST_F(Budget, that_makes_no_sense_changes_nothing) {
  a.import_random("web", 1, 1);
  for (const object& wrong :
       {object{{"budget", -1}}, object{{"budget", "0.5"}}, object{{"epsilon", 0.1}},
        object{{"optimize", "fun"}}, object{{"optimize", "cost"}, {"budget", 1}}}) {
    object body{{"image", "web"}, {"peers", {a.address()}}};
    body.insert(wrong.begin(), wrong.end());
    const auto refused = b.call("POST", "v1/jobs", body);
    ASSERT_FALSE(refused) << boost::json::serialize(wrong);
    EXPECT_EQ(exit_code(refused.error()), ExitCode::usage);
  }
  EXPECT_TRUE(b.must("GET", "v1/peers").at("peers").as_array().empty());
  EXPECT_TRUE(b.must("GET", "v1/images").at("images").as_array().empty());
  EXPECT_TRUE(b.must("GET", "v1/jobs").at("jobs").as_array().empty());
}

TEST_F(Budget, of_a_damaged_record_is_not_spent) {
  offer(1);
  const auto id = b.must("POST", "v1/jobs", {{"image", "web"}, {"wait", true}}).at("image");
  b.restart();
  ASSERT_TRUE(b->store().settings("job").value().empty());
  for (const char* damage : {R"({"name":"web","budget":-5})", "{"}) {
    ASSERT_TRUE(b->store().set_setting("job", id.as_string().c_str(), damage));
    b.restart();
    EXPECT_TRUE(b.must("GET", "v1/jobs").at("jobs").as_array().empty()) << damage;
    EXPECT_TRUE(b->store().settings("job").value().empty());
  }
}

}  // namespace
}  // namespace weft::tools
