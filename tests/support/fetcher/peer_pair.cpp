// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/peer_pair.h"

#include "fetcher/wire/frame.h"

#include <chrono>
#include <utility>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;

void spread(const std::vector<BlockRange>& ranges, std::vector<BlockIndex>& into) {
  for (const BlockRange& range : ranges) {
    for (BlockIndex b = range.first; b < range.end(); ++b)
      into.push_back(b);
  }
}

void collect(Collected& collected, wire::BlockBatch batch) {
  ++collected.batches;
  spread(batch.zero, collected.zero);
  spread(batch.absent, collected.absent);
  std::vector<BlockIndex> order;
  spread(batch.ranges, order);
  const auto plain = wire::unpack(std::move(batch));
  ASSERT_TRUE(plain) << plain.error().message();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto begin = plain->begin() + static_cast<std::ptrdiff_t>(i * block_size);
    const bool added =
        collected.blocks
            .emplace(order[i], std::vector<std::byte>(begin, begin + std::ptrdiff_t{block_size}))
            .second;
    EXPECT_TRUE(added) << "block " << order[i].value() << " came twice";
  }
}

}  // namespace

PeerSession::OnBatch Collected::handler(const Clock& clock) {
  return [this, &clock](Result<wire::BlockBatch> batch, bool last) {
    EXPECT_EQ(ends, 0u) << "a request was ended before";
    if (!batch) {
      error = batch.error();
    } else {
      collect(*this, *std::move(batch));
    }
    if (last || !batch) {
      ++ends;
      ended = clock.now();
    }
  };
}

wire::Hello hello(std::string name) {
  return {.features = wire::supported_features, .node = {{7}}, .name = std::move(name)};
}

PeerPair::PeerPair(ConnectionFaults faults) {
  world.network().set_default_faults(std::move(faults));
  server_options.hello = hello("server");
  server_options.listen = address;
  client_options.hello = hello("client");
}

PeerPair::~PeerPair() = default;

PeerContext PeerPair::context() {
  return {.network = world.network(), .timers = world.timers(), .tasks = world.tasks()};
}

Awaitable<void> PeerPair::ended(const Collected& collected) {
  while (collected.ends == 0)
    co_await sleep_until(world.timers(), in(1ms));
}

Awaitable<void> PeerPair::stop() {
  co_await server->stop();
  co_await world.tasks().stop();
}

Awaitable<void> PeerPair::with_session(const std::function<Awaitable<void>(PeerSession&)>& body) {
  auto session = co_await connect_peer(context(), address, client_options, in(30s));
  EXPECT_TRUE(session) << (session ? "" : session.error().message());
  if (session) {
    co_await body(**session);
    (*session)->close();
  }
}

void PeerPair::run_server(std::function<Awaitable<void>()> body) {
  server = std::make_unique<PeerServer>(PeerServerContext{.network = world.network(),
                                                          .timers = world.timers(),
                                                          .offload = world.offload(),
                                                          .store = store,
                                                          .executor = world.executor(),
                                                          .profiles = profiles},
                                        server_options);
  ASSERT_TRUE(server->start());
  world.run([&]() -> Awaitable<void> {
    co_await body();
    co_await stop();
  });
}

void PeerPair::run(std::function<Awaitable<void>(PeerSession&)> body) {
  run_server([&] { return with_session(body); });
}

}  // namespace weft::fetcher::testing
