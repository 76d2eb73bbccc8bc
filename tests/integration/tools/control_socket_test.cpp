// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/test_node.h"
#include "tools/api/control_client.h"
#include "tools/api/control_server.h"
#include "tools/api/trouble.h"
#include "tools/api/unix_address.h"
#include "tools/daemon/pause.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using test::TestNode;

class ControlSocket : public ::testing::Test {
 protected:
  ControlSocket() { serve({}); }

  void serve(ControlServerOptions options) {
    server_.reset();
    socket_ = control_socket(node_.options().config);
    options.socket = socket_;
    auto started = ControlServer::start(*node_, options);
    if (!started) throw std::runtime_error(started.error().message());
    server_ = std::move(*started);
  }
  ControlClient client() { return std::move(ControlClient::connect(socket_).value()); }
  static Call get(std::vector<std::string> path) {
    path.insert(path.begin(), "v1");
    return Call{"GET", std::move(path), {}, {}};
  }
  /// Sends bytes as they are and returns all that comes back until the end or `until`.
  std::string raw(std::string_view bytes, std::string_view until = "") {
    const auto address = unix_address(socket_).value();
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::ranges::copy(address.path, name.sun_path);
    const auto* plain = static_cast<const sockaddr*>(static_cast<const void*>(&name));
    EXPECT_EQ(::connect(fd.get(), plain, sizeof name), 0);
    static_cast<void>(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    std::string answer;
    char buffer[4096];
    for (;;) {
      const auto got = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return answer;
      answer.append(buffer, static_cast<std::size_t>(got));
      if (!until.empty() && answer.contains(until)) return answer;
    }
  }

  TestNode node_{TestNode::Kind::networked};
  std::filesystem::path socket_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlSocket, belongs_to_its_owner_alone) {
  struct stat status{};
  ASSERT_EQ(::stat(socket_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ControlSocket, one_connection_carries_many_calls) {
  auto connection = client();
  for (int i = 0; i < 20; ++i) {
    const auto version = connection.call(get({"version"}), {});
    ASSERT_TRUE(version) << version.error().message();
    EXPECT_EQ(version->at("api"), 1);
  }
}

TEST_F(ControlSocket, errors_come_through_as_they_are) {
  const auto reply = client().call(get({"images", "nope"}), {});
  ASSERT_FALSE(reply);
  EXPECT_TRUE(reply.error().is(Errc::unknown_image));
  EXPECT_EQ(reply.error().detail, "nope");
}

TEST_F(ControlSocket, an_import_streams_progress_and_its_result) {
  node_.import_random("seed", 8, 1);
  std::vector<double> percents;
  CallContext context;
  context.progress = [&](const boost::json::object& line) {
    percents.push_back(line.at("progress").at("percent").to_number<double>());
  };
  Call call{
      "POST", {"v1", "images"}, {}, {{"file", node_.path("seed.raw").string()}, {"name", "b"}}};
  const auto image = client().call(call, context);
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->at("size").to_number<std::uint64_t>(), 8u << 20);
  ASSERT_FALSE(percents.empty());
  EXPECT_TRUE(std::ranges::is_sorted(percents));
}

TEST_F(ControlSocket, an_import_that_fails_at_once_has_a_proper_status) {
  const auto answer =
      raw("POST /v1/images?progress=true HTTP/1.1\r\nHost: w\r\nConnection: close\r\n"
          "Content-Length: 18\r\n\r\n{\"file\": \"/nope1\"}");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << answer;
  EXPECT_TRUE(answer.contains("\"code\":\"ENOENT\"")) << answer;
}

TEST_F(ControlSocket, hostile_input_is_answered_or_dropped_and_hurts_nobody) {
  const std::string huge(100'000, 'x');
  EXPECT_TRUE(raw("POST /v1/peers HTTP/1.1\r\nHost: w\r\nContent-Length: 100000\r\n\r\n" + huge)
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(raw("GET /v1/" + huge + " HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(raw("POST /v1/peers HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\n[1,2]")
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(raw("POST /v1/peers HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\n[[[[[")
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(raw("\x16\x03\x01 not http at all\r\n\r\n"), "");
  EXPECT_TRUE(client().call(get({"version"}), {}));
}

TEST_F(ControlSocket, a_client_that_gives_up_is_told_and_its_job_goes_on) {
  TestNode source(TestNode::Kind::networked);
  source.import_random("web", 4, 1);
  std::stop_source stop;
  CallContext context;
  context.stop = stop.get_token();
  context.progress = [&](const boost::json::object&) { stop.request_stop(); };
  const auto reply = client().call(Call{"POST",
                                        {"v1", "jobs"},
                                        {},
                                        {{"image", "web"},
                                         {"peers", {source.address()}},
                                         {"bytes_per_second", 4096},
                                         {"wait", true}}},
                                   context);
  ASSERT_FALSE(reply);
  EXPECT_EQ(exit_code(reply.error()), ExitCode::cancelled) << reply.error().message();
  EXPECT_EQ(node_.must("GET", "v1/jobs/web").at("state"), "running");
}

TEST_F(ControlSocket, too_many_long_requests_are_refused_but_queries_answered) {
  ControlServerOptions options;
  options.long_calls = 1;
  serve(options);
  TestNode source(TestNode::Kind::networked);
  source.import_random("web", 4, 1);
  const Call wait{"POST",
                  {"v1", "jobs"},
                  {},
                  {{"image", "web"},
                   {"peers", {source.address()}},
                   {"bytes_per_second", 4096},
                   {"wait", true}}};
  std::stop_source stop;
  std::jthread waiting([&] {
    CallContext context;
    context.stop = stop.get_token();
    static_cast<void>(client().call(wait, context));
  });
  while (server_->active() == 0)
    std::this_thread::yield();
  const auto refused = client().call(wait, {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::queue_full)) << refused.error().message();
  EXPECT_TRUE(client().call(get({"status"}), {}));
  stop.request_stop();
}

TEST_F(ControlSocket, stop_answers_what_runs_and_leaves_no_server) {
  TestNode source(TestNode::Kind::networked);
  source.import_random("web", 4, 1);
  std::optional<Reply> reply;
  std::thread waiting([&] {
    reply = client().call(Call{"POST",
                               {"v1", "jobs"},
                               {},
                               {{"image", "web"},
                                {"peers", {source.address()}},
                                {"bytes_per_second", 4096},
                                {"wait", true}}},
                          {});
  });
  while (!node_->jobs()->any_running())
    std::this_thread::yield();
  auto idle = client();
  server_->stop();
  waiting.join();
  ASSERT_TRUE(reply && !*reply);
  EXPECT_TRUE(reply->error().is(Errc::cancelled)) << reply->error().message();
  const auto late = ControlClient::connect(socket_);
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Errc::no_daemon));
}

TEST(ControlSocketPath, may_be_longer_than_a_socket_address) {
  test::TempDirectory directory;
  const auto deep = directory.path() / std::string(120, 'd');
  std::filesystem::create_directory(deep);
  const auto address = unix_address(deep / "control.sock");
  ASSERT_TRUE(address);
  EXPECT_LT(address->path.size(), sizeof(sockaddr_un::sun_path));
  EXPECT_FALSE(unix_address(deep / "absent" / "control.sock"));
}

}  // namespace
}  // namespace weft::tools
