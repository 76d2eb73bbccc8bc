// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"

#include "tests/support/fs/wire_mount.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

namespace weft::fs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::WireMount;

constexpr std::uint32_t reader = 77;
constexpr ThreadState calm{.process_id = 70};
constexpr ThreadState killed{.process_id = 70, .pending = std::uint64_t{1} << (SIGKILL - 1)};

bool is_content(const WireMount& mount, const testing::FuseReply& reply, std::size_t offset) {
  return std::ranges::equal(reply.body, mount.image->content().subspan(offset, reply.body.size()));
}

/// Waits until the service itself, not only the fetcher, knows of `count` reads.
void wait_for_waiting(const WireMount& mount, std::size_t count) {
  for (int i = 0; i < 2000 && mount.reads.waiting().size() != count; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  ASSERT_EQ(mount.reads.waiting().size(), count);
}

TEST(ReadService, missing_read_waits_and_is_answered_on_its_channel) {
  WireMount mount({});
  mount.wire.read(1, 10, mount.node(), 5000, 9000);
  ASSERT_TRUE(mount.fetcher.wait_for_waiting(1));
  EXPECT_FALSE(mount.wire.reply(1, milliseconds(20)));
  mount.fetcher.deliver();
  const auto reply = mount.wire.reply(1);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(reply->body.size(), 9000u);
  EXPECT_TRUE(is_content(mount, *reply, 5000));
  EXPECT_EQ(mount.reads.statistics().missing, 1u);
}

TEST(ReadService, reads_are_counted_by_where_their_blocks_came_from) {
  WireMount mount({});
  const auto read = [&](std::uint64_t block) {
    mount.wire.read(0, 100 + block, mount.node(), block * 4096, 4096);
    const auto reply = mount.wire.reply(0);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(is_content(mount, *reply, block * 4096));
  };
  mount.image->make_resident({BlockIndex(0), BlockCount(2)});
  mount.image->lend({BlockIndex(1), BlockCount(1)});
  read(0);
  read(1);
  mount.fetcher.deliver();
  std::uint64_t block = 20;
  for (const auto origin : {fetcher::BlockOrigin::local, fetcher::BlockOrigin::lan_peer,
                            fetcher::BlockOrigin::wan_peer}) {
    mount.fetcher.come_from(origin);
    read(block++);
  }
  const ReadStatistics statistics = mount.reads.statistics();
  for (const ReadOrigin origin : all_read_origins) {
    EXPECT_EQ(statistics.of(origin).latency.count, 1u) << to_string(origin);
    EXPECT_EQ(statistics.of(origin).bytes, ByteCount(4096)) << to_string(origin);
  }
  EXPECT_EQ(statistics.resident, 2u);
  EXPECT_EQ(statistics.missing, 3u);
}

TEST(ReadService, a_read_that_waits_names_its_fetch) {
  WireMount mount({});
  mount.wire.read(0, 10, mount.node(), 8192, 4096);
  ASSERT_TRUE(mount.fetcher.wait_for_waiting(1));
  wait_for_waiting(mount, 1);
  const auto ticket = [&] { return mount.reads.waiting().at(0).ticket; };
  for (int i = 0; i < 2000 && !ticket(); ++i)  // it is noted after the fetcher has the read
    std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(ticket(), fetcher::FetchTicket{1});
  EXPECT_EQ(mount.reads.waiting().at(0).blocks.first, BlockIndex(2));
}

TEST(ReadService, more_stuck_reads_than_threads_leave_resident_reads_alone) {
  WireMount mount({.channels = 2});
  mount.image->make_resident({BlockIndex(200), BlockCount(1)});
  for (std::uint64_t i = 0; i < 9; ++i) {
    mount.wire.read(i % 2, 10 + 2 * i, mount.node(), i * 4096, 4096);
  }
  ASSERT_TRUE(mount.fetcher.wait_for_waiting(9));
  mount.wire.read(0, 100, mount.node(), 200 * 4096, 4096);
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->unique, 100u);
  EXPECT_EQ(mount.reads.waiting().size(), 9u);
}

TEST(ReadService, loose_blocks_are_served_from_memory_between_resident_ones) {
  WireMount mount({});
  mount.image->make_resident({BlockIndex(1), BlockCount(1)});
  mount.fetcher.deliver_loose([&](BlockIndex block) {
    NodeBytes bytes;
    std::memcpy(bytes.data(), mount.image->content().data() + offset_of(block).value(),
                bytes.size());
    return bytes;
  });
  mount.wire.read(0, 10, mount.node(), 100, 3 * 4096);
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(is_content(mount, *reply, 100));
  EXPECT_EQ(reply->body.size(), 3u * 4096);
  EXPECT_FALSE(mount.image->readable({BlockIndex(0), BlockCount(1)}));
}

TEST(ReadService, block_lost_at_the_read_is_fetched_again) {
  WireMount mount({});
  mount.image->make_resident(mount.image->all());
  mount.image->lose_on_read(2);
  mount.fetcher.deliver();
  mount.wire.read(0, 10, mount.node(), 4096, 4096);
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
  EXPECT_TRUE(is_content(mount, *reply, 4096));
  EXPECT_EQ(mount.fetcher.reads(), 2u);
}

TEST(ReadService, block_lost_again_and_again_fails_instead_of_looping) {
  WireMount mount({});
  mount.image->lose_on_read(1000);
  mount.fetcher.deliver();
  mount.wire.read(0, 10, mount.node(), 4096, 4096);
  EXPECT_EQ(mount.wire.reply(0)->error, EIO);
  EXPECT_LE(mount.fetcher.reads(), 8u);
}

TEST(ReadService, disk_error_is_an_error_not_a_fetch) {
  WireMount mount({});
  mount.image->make_resident(mount.image->all());
  mount.image->break_disk(true);
  mount.wire.read(0, 10, mount.node(), 0, 4096);
  EXPECT_EQ(mount.wire.reply(0)->error, EIO);
  EXPECT_EQ(mount.fetcher.reads(), 0u);
  EXPECT_EQ(mount.reads.statistics().failed, 1u);
}

TEST(ReadService, policy_decides_the_errno_where_there_is_no_source) {
  WireMount eio({.policy = {.when_missing = WhenMissing::eio}});
  eio.wire.read(0, 10, eio.node(), 0, 4096);
  EXPECT_EQ(eio.wire.reply(0)->error, EIO);
  WireMount eagain({.policy = {.when_missing = WhenMissing::eagain}});
  eagain.wire.read(0, 10, eagain.node(), 0, 4096);
  EXPECT_EQ(eagain.wire.reply(0)->error, EAGAIN);
}

TEST(ReadService, full_fetcher_does_not_fail_a_read_on_hold) {
  WireMount mount({});
  mount.fetcher.fail_with({make_error_code(Errc::queue_full), Operation::fetch, {}});
  mount.wire.read(0, 10, mount.node(), 0, 4096);
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(50)));
  mount.fetcher.deliver();
  mount.reads.tick();
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(is_content(mount, *reply, 0));
}

TEST(ReadService, parked_read_fails_at_its_deadline) {
  WireMount mount({.policy = {.deadline = seconds(30)}});
  mount.fetcher.fail_with({make_error_code(Errc::queue_full), Operation::fetch, {}});
  mount.wire.read(0, 10, mount.node(), 0, 4096);
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(50)));
  mount.clock.advance(seconds(31));
  mount.reads.tick();
  EXPECT_EQ(mount.wire.reply(0)->error, EIO);
}

TEST(ReadService, too_many_waiting_reads_are_refused) {
  WireMount mount({.pending_limit = 2});
  for (std::uint64_t i = 0; i < 3; ++i)
    mount.wire.read(0, 10 + 2 * i, mount.node(), i * 4096, 512);
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->unique, 14u);
  EXPECT_EQ(reply->error, EIO);
}

TEST(ReadService, interrupted_reader_with_a_fatal_signal_is_answered_at_once) {
  WireMount mount({});
  mount.processes.set(reader, killed);
  mount.wire.read(0, 10, mount.node(), 0, 4096, reader);
  wait_for_waiting(mount, 1);
  mount.wire.interrupt(1, 10);
  EXPECT_EQ(mount.wire.reply(0)->error, EINTR);
  EXPECT_EQ(mount.fetcher.cancelled(), 1u);
  EXPECT_EQ(mount.reads.statistics().interrupted, 1u);
}

TEST(ReadService, interrupt_that_overtakes_its_read_still_counts) {
  WireMount mount({});
  mount.processes.set(reader, killed);
  mount.wire.interrupt(0, 10);
  mount.wire.read(0, 10, mount.node(), 0, 4096, reader);
  EXPECT_EQ(mount.wire.reply(0)->error, EINTR);
  EXPECT_EQ(mount.fetcher.reads(), 0u);
}

TEST(ReadService, reader_interrupted_without_a_signal_goes_on_waiting) {
  WireMount mount({});
  mount.processes.set(reader, calm);  // a freezer, or job control
  mount.wire.read(0, 10, mount.node(), 0, 4096, reader);
  wait_for_waiting(mount, 1);
  mount.wire.interrupt(0, 10);
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(50)));
  mount.fetcher.deliver();
  EXPECT_EQ(mount.wire.reply(0)->error, 0);
}

TEST(ReadService, reader_killed_later_is_found_by_the_tick) {
  WireMount mount({});
  mount.processes.set(reader, calm);
  mount.wire.read(0, 10, mount.node(), 0, 4096, reader);
  wait_for_waiting(mount, 1);
  mount.clock.advance(seconds(2));
  mount.reads.tick();
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(20)));
  mount.processes.set(reader, killed);
  mount.reads.tick();
  EXPECT_EQ(mount.wire.reply(0)->error, EINTR);
}

TEST(ReadService, close_abandons_what_waits_without_a_reply) {
  WireMount mount({});
  mount.wire.read(0, 10, mount.node(), 0, 4096);
  mount.wire.read(1, 12, mount.node(), 8192, 4096);
  wait_for_waiting(mount, 2);
  mount.stop();
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(20)));
  EXPECT_FALSE(mount.wire.reply(1, milliseconds(20)));
  EXPECT_TRUE(mount.reads.waiting().empty());
}

TEST(ReadService, fetcher_that_shuts_down_leaves_the_read_to_a_successor) {
  WireMount mount({});
  mount.fetcher.fail_with({make_error_code(Errc::cancelled), Operation::fetch, {}});
  mount.wire.read(0, 10, mount.node(), 0, 4096);
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(50)));
  EXPECT_EQ(mount.reads.waiting().size(), 1u);
}

TEST(ReadService, interrupt_and_completion_race_to_exactly_one_reply) {
  WireMount mount({.channels = 2});
  mount.processes.set(reader, killed);
  mount.fetcher.deliver();
  for (std::uint64_t i = 0; i < 300; ++i) {
    const std::uint64_t unique = 10 + 2 * i;
    mount.image->lose(mount.image->all());
    mount.wire.read(0, unique, mount.node(), (i % 40) * 4096, 4096, reader);
    mount.wire.interrupt(1, unique);
    const auto reply = mount.wire.reply(0);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->unique, unique);
    if (reply->error == 0) {
      ASSERT_TRUE(is_content(mount, *reply, (i % 40) * 4096));
    } else {
      ASSERT_EQ(reply->error, EINTR);
    }
  }
  const ReadStatistics statistics = mount.reads.statistics();
  EXPECT_EQ(statistics.missing + statistics.interrupted, 300u);
  EXPECT_FALSE(mount.wire.reply(0, milliseconds(20)));
}

}  // namespace
}  // namespace weft::fs
