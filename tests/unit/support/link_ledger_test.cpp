// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_ledger.h"

#include "fetcher/wire/codec.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace weft::testing {
namespace {

namespace wire = fetcher::wire;

std::vector<std::byte> batch_of(std::uint64_t blocks) {
  wire::BlockBatch batch;
  batch.ranges = {{BlockIndex(7), BlockCount(blocks)}};
  batch.packed.resize(blocks * block_size);
  batch.last = true;
  return wire::encode(batch, 1, wire::Priority::prefetch);
}

TEST(LinkLedger, counts_frames_by_direction_and_type_however_they_are_cut) {
  LinkLedger ledger;
  const auto tap = ledger.tap();
  const auto ping = wire::encode(wire::Ping{.token = 1}, 1, wire::Priority::control);
  const auto batch = batch_of(3);
  for (const std::byte& byte : ping)
    tap(1, true, {&byte, 1});
  tap(1, false, batch);
  tap(2, false, std::span(batch).first(100));
  tap(1, false, batch);  // another connection's half frame is not disturbed
  tap(2, false, std::span(batch).subspan(100));
  EXPECT_TRUE(ledger.sound());
  EXPECT_EQ(ledger.lines().at("to_target ping").bytes, ping.size());
  EXPECT_EQ(ledger.lines().at("to_client block_batch").frames, 3u);
  EXPECT_EQ(ledger.lines().at("to_client block_batch").bytes, 3 * batch.size());
  EXPECT_EQ(ledger.blocks().blocks, 9u);
  EXPECT_EQ(ledger.blocks().packed, 9 * block_size);
}

TEST(LinkLedger, another_protocol_is_not_sound) {
  LinkLedger ledger;
  const std::vector<std::byte> noise(4096, std::byte{0xee});
  ledger.tap()(1, true, noise);
  EXPECT_FALSE(ledger.sound());
}

}  // namespace
}  // namespace weft::testing
