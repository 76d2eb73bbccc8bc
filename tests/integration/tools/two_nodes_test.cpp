// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/control_client.h"
#include "tools/api/control_server.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using test::TestNode;

TEST(TwoNodes, an_image_is_materialized_from_a_peer_with_progress) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  const auto image = a.import_random("web", 4, 1);
  std::size_t lines = 0;
  CallContext context;
  context.progress = [&](const boost::json::object& line) { lines += line.contains("progress"); };
  const auto job = b.call("POST", "v1/jobs",
                          {{"image", "web"}, {"peers", {a.address()}}, {"wait", true}}, context);
  ASSERT_TRUE(job) << job.error().message();
  EXPECT_EQ(job->at("state"), "done");
  EXPECT_GE(lines, 1u);
  EXPECT_EQ(b.must("GET", "v1/images/web").at("id"), image.at("id"));
  EXPECT_TRUE(b.must("GET", "v1/images/web").at("complete").as_bool());
  const auto peers = b.must("GET", "v1/peers").at("peers").as_array();
  ASSERT_EQ(peers.size(), 1u);
  EXPECT_EQ(peers[0].at("origin"), "recorded");
  EXPECT_GE(peers[0].at("received").to_number<std::uint64_t>(), 4u << 20);
}

TEST(TwoNodes, unknown_image_and_unreachable_peer_are_told_apart) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  const auto unknown = b.call("POST", "v1/jobs", {{"image", "nope"}, {"peers", {a.address()}}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(exit_code(unknown.error()), ExitCode::not_found) << unknown.error().message();
  const auto gone = a.address();
  a.stop();
  TestNode c(TestNode::Kind::networked);
  const auto unreachable = c.call("POST", "v1/jobs", {{"image", "nope"}, {"peers", {gone}}});
  ASSERT_FALSE(unreachable);
  EXPECT_EQ(exit_code(unreachable.error()), ExitCode::unreachable) << unreachable.error().message();
}

TEST(TwoNodes, a_peer_beyond_loopback_needs_insecure) {
  TestNode node(TestNode::Kind::networked);
  const auto refused = node.call("POST", "v1/peers", {{"address", "10.255.255.1:7440"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(exit_code(refused.error()), ExitCode::not_permitted);
  EXPECT_TRUE(node.must("GET", "v1/peers").at("peers").as_array().empty());
  EXPECT_FALSE(node.call("POST", "v1/peers", {{"address", "a b"}}));
}

TEST(TwoNodes, peers_and_unfinished_jobs_survive_a_restart) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  a.import_random("web", 16, 1);
  static_cast<void>(
      b.must("POST", "v1/jobs",
             {{"image", "web"}, {"peers", {a.address()}}, {"bytes_per_second", 256.0 * 1024}}));
  b.restart();
  const auto jobs = b.must("GET", "v1/jobs").at("jobs").as_array();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].at("name"), "web");
  EXPECT_EQ(b.must("GET", "v1/peers").at("peers").at(0).at("address").as_string(), a.address());

  static_cast<void>(b.must("DELETE", "v1/jobs/web"));
  const auto ended = b.call("GET", "v1/jobs/web/wait");
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().is(Errc::cancelled));
  b.restart();
  EXPECT_TRUE(b.must("GET", "v1/jobs").at("jobs").as_array().empty())
      << "a cancelled job is not taken up again";
}

TEST(TwoNodes, a_removed_peer_is_forgotten) {
  TestNode node(TestNode::Kind::networked);
  static_cast<void>(node.must("POST", "v1/peers", {{"address", "127.0.0.1:1"}}));
  static_cast<void>(node.must("DELETE", "v1/peers/127.0.0.1:1"));
  node.restart();
  EXPECT_TRUE(node.must("GET", "v1/peers").at("peers").as_array().empty());
  const auto again = node.call("DELETE", "v1/peers/127.0.0.1:1");
  ASSERT_FALSE(again);
  EXPECT_EQ(exit_code(again.error()), ExitCode::not_found);
}

// A fetch, its source and clients that ask all the time, while the node is stopped in its order:
// every step ends, every client gets an answer or a closed socket, and nothing resident is lost.
TEST(TwoNodes, stop_under_load_is_orderly) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  a.import_random("web", 32, 1);
  const auto socket = control_socket(b.options().config);
  ControlServerOptions options;
  options.socket = socket;
  auto server = std::move(ControlServer::start(*b, options).value());
  static_cast<void>(b.must(
      "POST", "v1/jobs", {{"image", "web"}, {"peers", {a.address()}}, {"bytes_per_second", 8e6}}));
  std::atomic<int> answers = 0;
  const auto ask = [&] {
    for (;;) {
      auto client = ControlClient::connect(socket);
      if (!client) return;
      if (client->call(parse_target("GET", "/v1/status").value(), {})) ++answers;
    }
  };
  std::jthread first(ask);
  std::jthread second(ask);
  while (answers < 10)
    std::this_thread::yield();
  server->stop();
  const auto resident = [&] {
    return b.must("GET", "v1/images/web").at("blocks").at("resident").to_number<std::uint64_t>();
  };
  const auto before = resident();
  b.stop();
  first.join();
  second.join();
  b.start();
  EXPECT_GE(resident(), before);
  EXPECT_EQ(b.must("GET", "v1/jobs").at("jobs").as_array().size(), 1u) << "the job goes on";
}

}  // namespace
}  // namespace weft::tools
