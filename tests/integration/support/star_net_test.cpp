// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/star_net.h"

#include "indexer/core/clock.h"
#include "tests/support/fs/subprocess.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t megabit = 1'000'000;
constexpr std::uint16_t port = 7000;

sockaddr_in socket_address(const std::string& host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}
void check(bool ok, const char* what) {
  if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

/// What `work` returns, done by a thread of its own in a namespace that it enters first.
template <class Enter, class Work>
auto there(Enter enter, Work work) {
  return std::async(std::launch::async,
                    [=] {
                      enter();
                      return work();
                    })
      .get();
}

UniqueFd listen_in_hub(const StarNet& star) {
  return there([&] { star.enter_hub(); },
               [&] {
                 UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                 const auto address = socket_address(star.hub_address());
                 const auto* generic =
                     static_cast<const sockaddr*>(static_cast<const void*>(&address));
                 const int on = 1;
                 ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
                 check(::bind(fd.get(), generic, sizeof address) == 0, "bind");
                 check(::listen(fd.get(), 8) == 0, "listen");
                 return fd;
               });
}

UniqueFd connect_from(const StarNet& star, std::size_t spoke) {
  return there([&] { star.enter_spoke(spoke); },
               [&] {
                 UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                 const auto address = socket_address(star.hub_address());
                 const auto* generic =
                     static_cast<const sockaddr*>(static_cast<const void*>(&address));
                 check(::connect(fd.get(), generic, sizeof address) == 0, "connect");
                 return fd;
               });
}

/// A connection from a spoke to the hub.
struct Line {
  Line(const StarNet& star, const UniqueFd& listener, std::size_t spoke)
      : spoke_end(connect_from(star, spoke)), hub_end(::accept(listener.get(), nullptr, nullptr)) {}
  UniqueFd spoke_end;
  UniqueFd hub_end;
};

/// Seconds until `bytes` have come out.
double carry(const UniqueFd& from, const UniqueFd& to, std::size_t bytes) {
  const auto start = Clock::now();
  std::jthread sender([&] {
    const std::vector<char> data(bytes);
    static_cast<void>(::send(from.get(), data.data(), data.size(), MSG_NOSIGNAL));
  });
  std::vector<char> buffer(65536);
  for (std::size_t got = 0; got < bytes;) {
    const ssize_t n = ::recv(to.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) throw std::runtime_error("the stream ended");
    got += static_cast<std::size_t>(n);
  }
  return to_seconds(Clock::now() - start);
}

/// The least time that a rate allows: the first burst is free.
double least_seconds(std::size_t bytes, std::uint64_t rate) {
  return (static_cast<double>(bytes) / StarNet::payload_share - 20'000) * 8 /
         static_cast<double>(rate);
}

class StarNetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!StarNet::possible()) GTEST_SKIP() << "namespaces need root, iproute2 and util-linux";
  }
};

TEST_F(StarNetTest, a_cable_carries_its_rate_and_counts_it) {
  const StarNet star({.spokes = {{20 * megabit}, {}}});
  const UniqueFd listener = listen_in_hub(star);
  const Line line(star, listener, 0);
  constexpr std::size_t bytes = 1'000'000;
  EXPECT_GE(carry(line.spoke_end, line.hub_end, bytes), least_seconds(bytes, 20 * megabit));
  EXPECT_GE(carry(line.hub_end, line.spoke_end, bytes), least_seconds(bytes, 20 * megabit));
  const auto traffic = star.traffic(0);
  for (const std::uint64_t counted : {traffic.to_hub, traffic.from_hub}) {
    EXPECT_GE(counted, bytes / StarNet::payload_share);
    EXPECT_LE(counted, bytes / StarNet::payload_share * 1.1) << "acknowledgements are small";
  }
  EXPECT_LE(star.traffic(1).to_hub, 1000U);
}

TEST_F(StarNetTest, a_rate_can_change_under_a_connection) {
  StarNet star({.spokes = {{100 * megabit}}});
  const UniqueFd listener = listen_in_hub(star);
  const Line line(star, listener, 0);
  static_cast<void>(carry(line.spoke_end, line.hub_end, 100'000));
  star.set_rate(0, megabit);
  EXPECT_GE(carry(line.spoke_end, line.hub_end, 100'000), least_seconds(100'000, megabit));
}

TEST_F(StarNetTest, spokes_of_a_site_share_its_uplink) {
  const StarNet star(
      {.spokes = {{0, "east"}, {0, "east"}, {0, ""}}, .uplinks = {{"east", 20 * megabit}}});
  const UniqueFd listener = listen_in_hub(star);
  const Line one(star, listener, 0);
  const Line two(star, listener, 1);
  constexpr std::size_t bytes = 500'000;
  const auto start = Clock::now();
  auto first =
      std::async(std::launch::async, [&] { return carry(one.spoke_end, one.hub_end, bytes); });
  static_cast<void>(carry(two.spoke_end, two.hub_end, bytes));
  first.get();
  EXPECT_GE(to_seconds(Clock::now() - start), least_seconds(2 * bytes, 20 * megabit));
}

TEST_F(StarNetTest, a_cut_cable_is_silent_and_a_mended_one_goes_on) {
  StarNet star({.spokes = {{100 * megabit}}});
  const UniqueFd listener = listen_in_hub(star);
  const Line line(star, listener, 0);
  static_cast<void>(carry(line.spoke_end, line.hub_end, 1000));
  star.cut(0);
  ASSERT_EQ(::send(line.spoke_end.get(), "x", 1, MSG_NOSIGNAL), 1);
  ASSERT_EQ(::send(line.hub_end.get(), "x", 1, MSG_NOSIGNAL), 1);
  pollfd polled[] = {{line.hub_end.get(), POLLIN, 0}, {line.spoke_end.get(), POLLIN, 0}};
  EXPECT_EQ(::poll(polled, 2, 300), 0) << "neither a byte nor an end";
  star.mend(0);
  EXPECT_EQ(::poll(polled, 1, 10'000), 1) << "TCP sends again";
}

bool exists(const std::string& prefix) {
  return run({"ip", "netns", "list"}).out.contains(prefix);
}

TEST_F(StarNetTest, nothing_is_left_when_it_ends) {
  const std::string prefix = "weft-" + std::to_string(::getpid()) + "-";
  {
    const StarNet star({.spokes = {{}, {0, "east"}}, .uplinks = {{"east", 0}}});
    EXPECT_TRUE(exists(prefix));
  }
  EXPECT_FALSE(exists(prefix));
}

TEST_F(StarNetTest, nothing_is_left_when_its_process_is_killed) {
  const pid_t child = ::fork();
  if (child == 0) {
    const StarNet star({.spokes = {{}}});
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::string prefix = "weft-" + std::to_string(child) + "-";
  const auto end = Clock::now() + 20s;
  while (exists(prefix) && Clock::now() < end)
    std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(exists(prefix));
}

}  // namespace
}  // namespace weft::testing
