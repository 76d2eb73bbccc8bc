// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/switch_disk.h"

#include "indexer/core/unique_fd.h"
#include "tests/support/indexer/temp_directory.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

namespace weft::tools {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

/// Plays QEMU's monitor for one connection.
class FakeQemu {
 public:
  /// Gets each command and returns the line to answer; empty: silence.
  using Script = std::function<std::string(const json::object&)>;

  FakeQemu(std::string path, Script script, std::string greeting = R"({"QMP": {}})")
      : script_(std::move(script)), greeting_(std::move(greeting)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) throw std::runtime_error("path too long");
    std::memcpy(name.sun_path, path.data(), path.size());
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(listener_.get(), 1) != 0) {
      throw std::runtime_error("cannot listen");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeQemu() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (client_) ::shutdown(client_.get(), SHUT_RDWR);
    thread_.join();
  }
  FakeQemu(const FakeQemu&) = delete;
  FakeQemu& operator=(const FakeQemu&) = delete;

 private:
  void serve() {
    client_.reset(::accept(listener_.get(), nullptr, nullptr));
    if (!client_) return;
    say(greeting_);
    std::string pending;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(client_.get(), buffer, sizeof buffer, 0)) > 0;) {
      pending.append(buffer, static_cast<std::size_t>(got));
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        const auto command = json::parse(pending.substr(0, end)).as_object();
        pending.erase(0, end + 1);
        say(R"({"event": "SOMETHING", "data": {}})");
        const bool hello = command.at("execute") == "qmp_capabilities";
        say(hello ? std::string(R"({"return": {}})") : script_(command));
      }
    }
  }
  void say(const std::string& line) {
    // In pieces: the client has to put lines together.
    const std::string all = line.empty() ? "" : line + "\r\n";
    for (std::size_t at = 0; at < all.size(); at += 1000) {
      const auto part = all.substr(at, 1000);
      if (::send(client_.get(), part.data(), part.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  const Script script_;
  const std::string greeting_;
  UniqueFd listener_;
  UniqueFd client_;
  std::thread thread_;
};

constexpr const char* one_disk = R"({"return": [{"ro": true, "node-name": "disk", "drv": "file",
 "cache": {"no-flush": false, "direct": true}, "file": "/mnt/a.raw"}]})";

std::string line(std::string text) {
  std::erase(text, '\n');
  return text;
}

class SwitchDisk : public ::testing::Test {
 protected:
  Result<std::vector<FileNode>> run(FakeQemu::Script script, std::string greeting = R"({"QMP":{}})",
                                    Duration patience = 10s) {
    const FakeQemu qemu(path_, std::move(script), std::move(greeting));
    WEFT_TRY(QmpClient client,
             QmpClient::connect(path_, steady_clock().now() + patience, stop_.get_token()));
    return switch_disk(client, "/mnt/a.raw");
  }
  static bool is_list(const json::object& command) {
    return command.at("execute") == "query-named-block-nodes";
  }

  std::stop_source stop_;
  const test::TempDirectory dir_;
  const std::string path_ = (dir_ / "qmp").string();
};

TEST_F(SwitchDisk, file_is_opened_with_the_other_cache_mode_and_then_as_it_was) {
  std::vector<bool> direct;
  const auto nodes = run([&](const json::object& command) {
    if (is_list(command)) return line(one_disk);
    const auto& options = command.at("arguments").at("options").at(0);
    EXPECT_EQ(options.at("node-name"), "disk");
    direct.push_back(options.at("cache").at("direct").as_bool());
    return std::string(R"({"return": {}})");
  });
  ASSERT_TRUE(nodes) << nodes.error().message();
  EXPECT_EQ(nodes->size(), 1u);
  EXPECT_EQ(direct, (std::vector<bool>{false, true}));
}

TEST_F(SwitchDisk, options_that_qemu_does_not_tell_are_found_by_trying) {
  int refused = 0;
  const auto nodes = run([&](const json::object& command) -> std::string {
    if (is_list(command)) return line(one_disk);
    const auto& options = command.at("arguments").at("options").at(0).as_object();
    if (options.contains("aio") && options.at("aio") == "native") return R"({"return": {}})";
    ++refused;
    return R"({"error": {"class": "GenericError", "desc": "Cannot change the option 'aio'"}})";
  });
  ASSERT_TRUE(nodes) << nodes.error().message();
  EXPECT_EQ(refused, 2) << "what was found is kept for the second step";
}

TEST_F(SwitchDisk, failure_of_the_second_step_says_how_the_disk_is_left) {
  int reopened = 0;
  const auto nodes = run([&](const json::object& command) -> std::string {
    if (is_list(command)) return line(one_disk);
    if (++reopened == 1) return R"({"return": {}})";
    return R"({"error": {"class": "GenericError", "desc": "no memory"}})";
  });
  ASSERT_FALSE(nodes);
  EXPECT_TRUE(nodes.error().is(Errc::helper_failed));
  EXPECT_TRUE(nodes.error().detail.contains("no memory")) << nodes.error().detail;
  EXPECT_TRUE(nodes.error().detail.contains("cache.direct=off")) << nodes.error().detail;
}

TEST_F(SwitchDisk, stop_between_the_steps_does_not_leave_the_other_cache_mode) {
  std::vector<bool> direct;
  const auto nodes = run([&](const json::object& command) {
    if (is_list(command)) return line(one_disk);
    direct.push_back(
        command.at("arguments").at("options").at(0).at("cache").at("direct").as_bool());
    stop_.request_stop();
    return std::string(R"({"return": {}})");
  });
  EXPECT_TRUE(nodes) << nodes.error().message();
  EXPECT_EQ(direct, (std::vector<bool>{false, true}));
}

TEST_F(SwitchDisk, stop_before_the_first_step_touches_no_disk) {
  int reopened = 0;
  const auto nodes = run([&](const json::object& command) {
    if (!is_list(command)) ++reopened;
    stop_.request_stop();
    return line(one_disk);
  });
  ASSERT_FALSE(nodes);
  EXPECT_TRUE(nodes.error().is(Errc::cancelled)) << nodes.error().message();
  EXPECT_EQ(reopened, 0);
}

TEST_F(SwitchDisk, qemu_without_the_disk_or_the_command_is_told_apart) {
  const auto none = run([](const json::object&) { return std::string(R"({"return": []})"); });
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(Errc::bad_request));
  std::filesystem::remove(path_);
  const auto old = run([](const json::object& command) -> std::string {
    if (is_list(command)) return line(one_disk);
    return R"({"error": {"class": "CommandNotFound", "desc": "no such command"}})";
  });
  ASSERT_FALSE(old);
  EXPECT_TRUE(old.error().is(Errc::unsupported));
}

TEST_F(SwitchDisk, whatever_does_not_speak_qmp_is_refused) {
  const auto silence = [](const json::object&) { return std::string(); };
  for (const char* greeting : {"SSH-2.0", "{}", "[]", R"({"QMP":)"}) {
    const auto nodes = run(silence, greeting);
    ASSERT_FALSE(nodes) << greeting;
    EXPECT_TRUE(nodes.error().is(Errc::helper_failed)) << nodes.error().message();
    std::filesystem::remove(path_);
  }
}

TEST_F(SwitchDisk, line_without_end_takes_bounded_memory) {
  const auto nodes = run([](const json::object&) { return std::string(); },
                         std::string(QmpClient::longest_line + (64 << 10), 'x'));
  ASSERT_FALSE(nodes);
  EXPECT_TRUE(nodes.error().is(Errc::helper_failed));
}

TEST_F(SwitchDisk, silent_monitor_ends_at_the_deadline) {
  const auto nodes = run([](const json::object&) { return std::string(); }, R"({"QMP":{}})", 200ms);
  ASSERT_FALSE(nodes);
  EXPECT_TRUE(nodes.error().is(Errc::deadline_passed));
}

TEST_F(SwitchDisk, answer_of_a_wrong_shape_is_an_error) {
  const auto nodes = run([](const json::object&) -> std::string { return R"({"error": 7})"; });
  ASSERT_FALSE(nodes);
  EXPECT_TRUE(nodes.error().is(Errc::helper_failed));
}

}  // namespace
}  // namespace weft::tools
