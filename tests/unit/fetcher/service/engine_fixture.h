// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/service/engine.h"
#include "indexer/store/store.h"
#include "tests/support/fetcher/sim_world.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/unit/fetcher/service/scripted_peer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::fetcher::testing {

/// An engine on virtual time with a real store and scripted peers. 300 blocks: three leaves under a
/// root; blocks 130 … 139 are zero.
class EngineTest : public ::testing::Test {
 protected:
  explicit EngineTest(std::vector<std::byte> bytes = content()) : image(std::move(bytes)) {
    auto opened = Store::open(
        disk, {.directory = directory.path() / "state", .free_space_floor = ByteCount(0)});
    store = std::move(*opened);
    local = *store->adopt("disk", image.info);
    make_engine({});
  }
  ~EngineTest() override {
    world.run([&] { return engine->shutdown(); });
    engine.reset();
    peers.clear();
  }

  void make_engine(FetcherOptions options) {
    options.node.bytes[0] = 99;
    if (engine) world.run([&] { return engine->shutdown(); });
    engine = std::make_unique<FetchEngine>(
        world.executor(), world.timers(), world.offload(),
        [this](std::string address, TimePoint) { return dial(address); }, options);
  }
  Awaitable<Result<std::shared_ptr<PeerSession>>> dial(std::string address) {
    ++dials[address];
    if (refuse) co_return fail(Errc::peer_unreachable, Operation::connect, "refused");
    const auto it = next_nodes.find(address);
    const auto node =
        static_cast<std::uint8_t>(it == next_nodes.end() ? address.at(0) : it->second);
    auto session = std::make_shared<ScriptedPeer>(world.timers(), image, node);
    if (script) script(*session);
    peers[address] = session;
    co_return std::shared_ptr<PeerSession>(session);
  }

  ScriptedPeer& connect(const std::string& address) {
    engine->add_peer(address);
    settle();
    return *peers.at(address);
  }
  /// Runs what is runnable.
  void settle() { world.run_for(Duration(0)); }

  struct Answer {
    std::optional<Result<FetchOutcome>> outcome;
    int times = 0;
  };
  std::shared_ptr<Answer> read(std::uint64_t first, std::uint64_t count = 1,
                               Duration patience = std::chrono::seconds(60), bool hold = true) {
    auto answer = std::make_shared<Answer>();
    const BlockRange range{BlockIndex(first), BlockCount(count)};
    last_ticket = FetchTicket{static_cast<std::uint64_t>(last_ticket) + 1};
    engine->read(last_ticket, {local, range, world.timers().now() + patience, hold},
                 look_up_missing(*local, range), [answer](Result<FetchOutcome> outcome) {
                   answer->outcome = std::move(outcome);
                   ++answer->times;
                 });
    settle();
    return answer;
  }
  static bool ok(const std::shared_ptr<Answer>& answer) {
    return answer->times == 1 && answer->outcome->has_value();
  }
  static bool failed(const std::shared_ptr<Answer>& answer, Errc why) {
    return answer->times == 1 && !answer->outcome->has_value() && answer->outcome->error().is(why);
  }
  PeerStatus status(const std::string& address) {
    for (PeerStatus& peer : engine->peers()) {
      if (peer.address == address) return std::move(peer);
    }
    ADD_FAILURE() << "no peer " << address;
    return {};
  }
  void give_tree() { ASSERT_TRUE(image.send_tree(*local)); }

  static std::vector<std::byte> content() {
    std::vector<std::byte> bytes = test::random_blocks(BlockCount(300), 4);
    std::fill_n(bytes.begin() + 130 * block_size, 10 * block_size, std::byte{0});
    return bytes;
  }

  const test::SampleImage image;
  SimWorld world;
  test::TempDirectory directory;
  test::FaultyFileSystem disk;
  std::unique_ptr<Store> store;
  std::shared_ptr<LocalImage> local;
  std::map<std::string, std::shared_ptr<ScriptedPeer>> peers;
  std::map<std::string, std::uint8_t> next_nodes;
  std::map<std::string, int> dials;
  std::function<void(ScriptedPeer&)> script;
  bool refuse = false;
  FetchTicket last_ticket{};
  std::unique_ptr<FetchEngine> engine;
};

}  // namespace weft::fetcher::testing
