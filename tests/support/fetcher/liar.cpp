// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/liar.h"

#include "fetcher/peer/connect.h"
#include "fetcher/peer/frame_source.h"
#include "fetcher/wire/codec.h"
#include "tests/support/fetcher/peer_pair.h"

#include <chrono>
#include <utility>

namespace weft::fetcher::testing {

void with_liar(Lie lie, std::function<Awaitable<void>(SimWorld&, PeerSession&)> body) {
  using namespace std::chrono_literals;
  SimWorld world;
  const Address address{.host = "liar", .port = 1};
  const auto listener = world.network().listen(address);
  const auto serve = [&]() -> Awaitable<void> {
    auto stream = co_await (*listener)->accept();
    FrameSource source(**stream, [](std::size_t) {});
    (void)co_await source.next();
    co_await (*stream)->write(wire::encode(hello("liar"), 0, wire::Priority::control));
    const auto frame = co_await source.next();
    const wire::FrameHeader header = (*frame)->header;
    const auto request = wire::decode((*frame)->payload, header.type);
    for (const auto& message : lie(*request)) {
      const auto bytes = wire::encode(message, header.request, header.priority);
      (void)co_await (*stream)->write(bytes);
    }
    (void)co_await source.next();
  };
  world.tasks().spawn("liar", serve());
  world.run([&]() -> Awaitable<void> {
    const PeerContext context{world.network(), world.timers(), world.tasks()};
    PeerOptions options{.hello = hello("client")};
    auto session = co_await connect_peer(context, address, options, world.timers().now() + 5s);
    co_await body(world, **session);
    (*session)->close();
    co_await world.tasks().stop();
  });
}

}  // namespace weft::fetcher::testing
