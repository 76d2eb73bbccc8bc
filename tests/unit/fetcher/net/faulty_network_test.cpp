// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/faulty_network.h"

#include "tests/support/fetcher/sim_world.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
const Address server{.host = "a", .port = 1};

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

Awaitable<void> send_all(Stream& stream, std::vector<std::byte> bytes) {
  (void)co_await stream.write(bytes);
  stream.shutdown_write();
}

struct Received {
  std::vector<std::byte> bytes;
  std::optional<Error> error;
};

Awaitable<Received> receive_all(Stream& stream) {
  Received received;
  std::vector<std::byte> buffer(1 << 16);
  for (;;) {
    const auto size = co_await stream.read_some(buffer);
    if (!size) received.error = size.error();
    if (!size || *size == 0) co_return received;
    received.bytes.insert(received.bytes.end(), buffer.begin(),
                          buffer.begin() + static_cast<std::ptrdiff_t>(*size));
  }
}

/// Sends `bytes` from server to client over a link with `faults`.
struct Transfer {
  Received received;
  Duration took{};
};

Transfer transfer(LinkFaults faults, std::vector<std::byte> bytes) {
  SimWorld world;
  Transfer result;
  world.network().set_faults(server, {.to_client = std::move(faults)});
  const auto listener = world.network().listen(server);
  world.run([&]() -> Awaitable<void> {
    auto client = co_await world.network().dial(server, world.timers().now() + 1s);
    auto accepted = co_await (*listener)->accept();
    const TimePoint begun = world.timers().now();
    world.tasks().spawn("send", send_all(**accepted, std::move(bytes)));
    result.received = co_await receive_all(**client);
    result.took = world.timers().now() - begun;
    (*accepted)->close();
    co_await world.tasks().stop();
  });
  return result;
}

TEST(FaultyNetwork, carries_bytes_in_order_at_the_rate_and_latency_given) {
  const auto bytes = pattern(1'000'000);
  const Transfer result = transfer({.latency = 20ms, .bytes_per_second = 1'000'000}, bytes);
  EXPECT_EQ(result.received.bytes, bytes);
  EXPECT_FALSE(result.received.error);
  EXPECT_GE(result.took, 1020ms);
  EXPECT_LE(result.took, 1030ms);
}

TEST(FaultyNetwork, short_reads_lose_nothing) {
  const auto bytes = pattern(5000);
  EXPECT_EQ(transfer({.max_read = 1}, bytes).received.bytes, bytes);
}

TEST(FaultyNetwork, reset_cuts_at_the_byte_given) {
  const Transfer result = transfer({.reset_after = 4099}, pattern(10'000));
  EXPECT_EQ(result.received.bytes, pattern(4099));
  ASSERT_TRUE(result.received.error);
  EXPECT_TRUE(result.received.error->is(Errc::peer_unreachable));
}

TEST(FaultyNetwork, end_and_corruption_happen_at_their_bytes) {
  EXPECT_EQ(transfer({.end_after = 5000}, pattern(10'000)).received.bytes, pattern(5000));
  auto expected = pattern(10'000);
  expected[4200] ^= std::byte{0xff};
  EXPECT_EQ(transfer({.corrupt = {4200}}, pattern(10'000)).received.bytes, expected);
}

Awaitable<void> expect_silence(SimWorld& world, Listener& listener) {
  auto client = co_await world.network().dial(server, world.timers().now() + 1s);
  auto accepted = co_await listener.accept();
  world.tasks().spawn("send", send_all(**accepted, pattern(10'000)));
  std::vector<std::byte> buffer(10'000);
  const auto first = co_await (*client)->read_some(buffer);
  EXPECT_EQ(*first, 4000u);
  bool late = false;
  const Deadline deadline(world.timers(), world.timers().now() + 60s, [&] {
    late = true;
    (*client)->close();
  });
  const auto second = co_await (*client)->read_some(buffer);
  EXPECT_TRUE(late);
  EXPECT_TRUE(second.error().is(Errc::cancelled));
  (*accepted)->close();
  co_await world.tasks().stop();
}

TEST(FaultyNetwork, a_stalled_link_is_silent_until_the_reader_gives_up) {
  SimWorld world;
  world.network().set_faults(server, {.to_client = {.stall_after = 4000}});
  const auto listener = world.network().listen(server);
  world.run([&] { return expect_silence(world, **listener); });
}

TEST(FaultyNetwork, dial_fails_as_told) {
  SimWorld world;
  auto& network = world.network();
  const auto listener = network.listen(server);
  const auto dial = [&]() -> Error {
    std::optional<Error> error;
    world.run([&]() -> Awaitable<void> {
      auto stream = co_await network.dial(server, world.timers().now() + 2s);
      if (!stream) error = stream.error();
    });
    return error.value_or(Error{});
  };
  EXPECT_EQ(dial().code, std::error_code());
  network.set_faults(server, {.refuse = true});
  EXPECT_TRUE(dial().is(Errc::peer_unreachable));
  network.set_faults(server, {.black_hole = true});
  EXPECT_TRUE(dial().is(Errc::deadline_passed));
  network.set_faults(server, {});
  network.kill(server);
  EXPECT_TRUE(dial().is(Errc::peer_unreachable));
  network.revive(server);
  EXPECT_EQ(dial().code, std::error_code());
  EXPECT_EQ(network.traffic(server).dials, 5u);
}

}  // namespace
}  // namespace weft::fetcher::testing
