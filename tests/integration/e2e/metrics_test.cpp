// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/integration/e2e/e2e_fixture.h"
#include "tests/support/tools/metrics_parser.h"

#include <array>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

class Metrics : public E2eMountTest {
 protected:
  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    holder_.start();
    expect_ok(holder_.weft({"import", file_, "--name", "x"}));
    node_.start();
    // Named, since a loaded machine's loopback may look far.
    expect_ok(node_.weft({"peers", "add", holder_.address(), "--site", "berlin"}));
    expect_ok(node_.weft({"mount", "x", target_}));
  }
  /// The whole answer to a request on the TCP port; empty: cut off.
  [[nodiscard]] static std::string get_tcp(std::uint16_t port, std::string_view request) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = static_cast<const sockaddr*>(static_cast<const void*>(&name));
    EXPECT_EQ(::connect(fd.get(), address, sizeof name), 0) << port;
    return exchange(fd, request);
  }
  [[nodiscard]] static std::string exchange(const UniqueFd& fd, std::string_view request) {
    EXPECT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), std::ssize(request));
    std::string answer;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return answer;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  /// The whole answer, as `curl` would get it.
  [[nodiscard]] std::string get() const {
    const auto path = (node_.state() / "control.sock").string();
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    const auto* address = static_cast<const sockaddr*>(static_cast<const void*>(&name));
    EXPECT_EQ(::connect(fd.get(), address, sizeof name), 0) << path;
    return exchange(fd, "GET /v1/metrics HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n\r\n");
  }
  [[nodiscard]] ParsedMetrics metrics() const {
    const auto answer = get();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer.substr(0, 200);
    EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
    const auto body = answer.find("\r\n\r\n");
    return parse_metrics(std::string_view(answer).substr(std::min(body, answer.size() - 4) + 4));
  }
  void read(unsigned first, unsigned count) {
    expect_ok(
        run({"dd", "if=" + (target_ / "x.raw").string(), "of=/dev/null", "bs=64K",
             "skip=" + std::to_string(first), "count=" + std::to_string(count), "iflag=direct"},
            60s));
  }

  std::filesystem::path file_ = image_file("x.raw", 8);
  std::filesystem::path target_ = new_directory("node/mnt");
  WeftNode holder_{directory_ / "holder" / "state"};
  std::uint16_t port_ = free_port();
  WeftNode node_{directory_ / "node" / "state",
                 {"--site", "berlin", "--metrics", "127.0.0.1:" + std::to_string(port_)}};
};

/// Samples that may only grow.
bool is_counter(const ParsedMetrics& metrics, const std::string& sample) {
  auto family = sample.substr(0, sample.find('{'));
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (family.ends_with(suffix)) family.resize(family.size() - suffix.size());
  }
  const auto type = metrics.types.find(family);
  return type != metrics.types.end() && type->second != "gauge";
}

TEST_F(Metrics, keep_the_format_and_counters_never_go_back) {
  ParsedMetrics before = metrics();
  for (unsigned round = 0; round < 6; ++round) {
    read(round * 20, 20);
    const ParsedMetrics now = metrics();
    ASSERT_EQ(now.trouble, "");
    std::size_t counters = 0;
    for (const auto& [sample, value] : before.samples) {
      if (!is_counter(before, sample)) continue;
      ++counters;
      ASSERT_TRUE(now.samples.contains(sample)) << sample;
      EXPECT_GE(now.samples.at(sample), value) << sample;
    }
    EXPECT_GT(counters, 80U);
    before = now;
  }
}

TEST_F(Metrics, are_on_a_port_of_their_own_that_gives_no_control_also_after_an_upgrade) {
  const auto scrape = [&] {
    const auto answer = get_tcp(port_, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer.substr(0, 100);
    return parse_metrics(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4));
  };
  EXPECT_EQ(scrape().trouble, "");
  EXPECT_GT(scrape().samples.size(), 80U);
  EXPECT_TRUE(get_tcp(port_, "GET /v1/status HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get_tcp(port_, std::string(8192, 'x')).starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(get_tcp(port_, "GET /metrics HT"), "") << "cut off";
  expect_ok(node_.weft({"upgrade", "--binary", weft_binary()}));
  EXPECT_EQ(scrape().trouble, "");
}

TEST_F(Metrics, tell_where_the_time_of_reads_went) {
  const std::string labels = "mount=\"" + target_.string() + "\",image=\"x\",origin=\"";
  const auto count = [&](const std::string& origin) {
    return metrics().samples.at("weft_read_duration_seconds_count{" + labels + origin + "\"}");
  };
  read(0, 16);
  EXPECT_GE(count("lan_peer"), 1) << "of the same site";
  EXPECT_EQ(count("wan_peer"), 0);
  const auto before = count("resident");
  read(0, 16);
  EXPECT_GE(count("resident"), before + 16);
  const auto all = metrics().samples;
  EXPECT_GE(all.at("weft_peer_received_bytes_total{peer=\"" + holder_.address() + "\"}"), 1 << 20);
  EXPECT_GT(all.at("weft_read_stall_seconds_total{mount=\"" + target_.string() + "\",image=\"x\"}"),
            0);
}

}  // namespace
}  // namespace weft::testing
