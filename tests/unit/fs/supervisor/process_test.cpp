// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/readiness.h"
#include "fs/supervisor/worker_process.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weft::fs {
namespace {

std::optional<ProcessEnd> wait_for(WorkerProcess& process) {
  pollfd p{process.descriptor(), POLLIN, 0};
  if (::poll(&p, 1, 10'000) != 1) return std::nullopt;
  return process.reap();
}

Result<WorkerProcess> start_shell(const UniqueFd& socket, const std::string& script) {
  sigset_t mask;
  ::sigemptyset(&mask);
  return WorkerProcess::start("/bin/sh", {"sh", "-c", script}, socket, mask);
}

TEST(WorkerProcess, gets_its_socket_and_nothing_of_the_supervisors_own) {
  auto pair = supervision::make_socket_pair();
  ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
  auto process = start_shell(pair->second,
                             "test -S /proc/self/fd/$WEFT_SUPERVISOR_FD && "
                             "test -z \"$NOTIFY_SOCKET\" && "
                             "test ! -e /proc/self/fd/" +
                                 std::to_string(pair->first.get()));
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_TRUE(process.has_value());
  const auto end = wait_for(*process);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->exit_status(), 0);
}

TEST(WorkerProcess, its_end_is_reported_once) {
  auto pair = supervision::make_socket_pair();
  auto process = start_shell(pair->second, "kill -9 $$");
  ASSERT_TRUE(process.has_value());
  const auto end = wait_for(*process);
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->signalled);
  EXPECT_EQ(end->code, SIGKILL);
  EXPECT_FALSE(process->reap().has_value());
}

TEST(WorkerProcess, a_program_that_cannot_be_executed_exits_with_127) {
  auto pair = supervision::make_socket_pair();
  sigset_t mask;
  ::sigemptyset(&mask);
  auto process = WorkerProcess::start("/no/such/program", {"x"}, pair->second, mask);
  ASSERT_TRUE(process.has_value());
  EXPECT_EQ(wait_for(*process)->exit_status(), 127);
}

TEST(PacketSocket, packets_keep_their_borders_and_descriptors) {
  auto pair = supervision::make_socket_pair();
  const std::vector<std::byte> bytes(supervision::max_packet, std::byte{7});
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> many(supervision::descriptors_per_packet, null.get());
  ASSERT_TRUE(supervision::send_packet(pair->first.get(), bytes, many).value());
  ASSERT_TRUE(supervision::send_packet(pair->first.get(), std::span(bytes).first(1), {}).value());
  auto first = supervision::receive_packet(pair->second.get());
  ASSERT_TRUE(first.has_value() && first->has_value());
  EXPECT_EQ((*first)->bytes, bytes);
  EXPECT_EQ((*first)->descriptors.size(), many.size());
  auto second = supervision::receive_packet(pair->second.get());
  EXPECT_EQ((*second)->bytes.size(), 1U);
  EXPECT_FALSE(supervision::receive_packet(pair->second.get())->has_value());
}

TEST(PacketSocket, a_full_socket_says_so_instead_of_waiting) {
  auto pair = supervision::make_socket_pair();
  const std::vector<std::byte> bytes(supervision::max_packet);
  bool full = false;
  for (int i = 0; i < 1000 && !full; ++i) {
    full = !supervision::send_packet(pair->first.get(), bytes, {}).value();
  }
  EXPECT_TRUE(full);
}

TEST(PacketSocket, the_end_of_the_other_side_is_seen_by_both_directions) {
  auto pair = supervision::make_socket_pair();
  pair->second.reset();
  EXPECT_TRUE(supervision::receive_packet(pair->first.get()).error().is(Errc::cancelled));
  const std::vector<std::byte> bytes(1);
  EXPECT_TRUE(supervision::send_packet(pair->first.get(), bytes, {}).error().is(Errc::cancelled));
}

TEST(Readiness, is_told_once_by_pipe_and_datagram) {
  const UniqueFd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const std::string name = "weft-readiness-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());  // abstract
  ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())),
            0);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reader(pipe[0]);

  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  Readiness readiness{UniqueFd(pipe[1])};
  ::unsetenv("NOTIFY_SOCKET");
  readiness.ready();
  readiness.ready();
  readiness.stopping();

  std::array<char, 64> buffer{};
  EXPECT_EQ(::read(reader.get(), buffer.data(), buffer.size()), 6);
  EXPECT_EQ(std::string(buffer.data(), 6), "ready\n");
  EXPECT_EQ(::read(reader.get(), buffer.data(), buffer.size()), 0);
  for (const std::string expected : {"READY=1", "STOPPING=1"}) {
    const ssize_t n = ::recv(receiver.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))),
              expected);
  }
  EXPECT_EQ(::recv(receiver.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), -1);
}

}  // namespace
}  // namespace weft::fs
