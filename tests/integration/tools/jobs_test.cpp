// SPDX-License-Identifier: Apache-2.0
// Jobs that are cancelled: for good, and out of the way of those that follow.
#include "tests/support/tools/test_node.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using test::TestNode;

class CancelledJob : public ::testing::Test {
 protected:
  void SetUp() override {
    a.import_random("web", 8, 1);
    static_cast<void>(b.must("POST", "v1/peers", {{"address", a.address()}}));
  }
  void start() {
    static_cast<void>(
        b.must("POST", "v1/jobs", {{"image", "web"}, {"bytes_per_second", 64.0 * 1024}}));
  }
  void cancel() { static_cast<void>(b.must("DELETE", "v1/jobs/web")); }

  TestNode a{TestNode::Kind::networked};
  TestNode b{TestNode::Kind::networked};
};

TEST_F(CancelledJob, is_forgotten_when_that_is_answered) {
  for (int round = 0; round < 5; ++round) {
    start();
    ASSERT_FALSE(b->store().settings("job").value().empty());
    cancel();
    EXPECT_TRUE(b->store().settings("job").value().empty()) << "else a crash would bring it back";
    EXPECT_FALSE(b.call("PATCH", "v1/jobs/web", {{"paused", true}}));
    EXPECT_TRUE(b->store().settings("job").value().empty()) << "nothing writes it down again";
  }
  start();
  cancel();
  b.restart();
  EXPECT_TRUE(b.must("GET", "v1/jobs").at("jobs").as_array().empty());
}

TEST_F(CancelledJob, is_not_joined_by_a_new_one) {
  for (int round = 0; round < 20; ++round) {
    start();
    cancel();
    start();
    std::this_thread::sleep_for(20ms);
    ASSERT_NE(b.must("GET", "v1/jobs/web").at("state"), "cancelled") << round;
    cancel();
  }
  const object done = b.must("POST", "v1/jobs", {{"image", "web"}, {"wait", true}});
  EXPECT_EQ(done.at("state"), "done");
}

}  // namespace
}  // namespace weft::tools
