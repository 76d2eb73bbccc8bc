// SPDX-License-Identifier: Apache-2.0
#include "fs/session/fuse_session.h"

#include "fs/session/fuse_abi.h"
#include "fs/session/session_limits.h"
#include "tests/support/fs/wire_mount.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <linux/fuse.h>

namespace weft::fs {
namespace {

using testing::FuseReply;
using testing::WireMount;

template <class Body>
Body body_of(const FuseReply& reply) {
  Body body{};
  EXPECT_GE(reply.body.size(), sizeof body);
  std::memcpy(&body, reply.body.data(), std::min(sizeof body, reply.body.size()));
  return body;
}

std::span<const std::byte> content_at(const WireMount& mount, std::size_t offset,
                                      std::size_t size) {
  return mount.image->content().subspan(offset, size);
}

TEST(FuseSession, answers_the_replayed_init_with_its_limits) {
  WireMount mount({});
  ASSERT_TRUE(mount.init_reply);
  EXPECT_EQ(mount.init_reply->error, 0);
  const auto out = body_of<fuse_init_out>(*mount.init_reply);
  EXPECT_EQ(out.max_background, max_background);
  EXPECT_EQ(out.max_pages, max_request / 4096);
  EXPECT_NE(out.flags & FUSE_ASYNC_DIO, 0u);
  EXPECT_EQ(out.flags & FUSE_AUTO_INVAL_DATA, 0u);
  EXPECT_EQ(out.flags & FUSE_POSIX_LOCKS, 0u);
}

TEST(FuseSession, asks_for_unanswered_requests_only_if_inherited) {
  WireMount fresh({});
  EXPECT_FALSE(fresh.wire.reply(0, std::chrono::milliseconds(20)));

  WireMount inherited({.inherited = true});
  const auto notification = inherited.wire.reply(0);
  ASSERT_TRUE(notification);
  EXPECT_EQ(notification->unique, 0u);
  EXPECT_EQ(notification->error, abi::notify_resend);
}

TEST(FuseSession, refuses_a_handle_without_init_request) {
  testing::FuseWire wire;
  WireMount mount({});
  MountHandle handle = wire.handle(TargetKind::directory);
  handle.init_request.clear();
  const auto session = FuseSession::start(std::move(handle), mount.served, {});
  ASSERT_FALSE(session);
  EXPECT_TRUE(session.error().is(Errc::bad_request));
}

TEST(FuseSession, directory_target_shows_the_image_as_a_read_only_file) {
  WireMount mount({});
  mount.wire.lookup(0, 10, "test.raw");
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  const auto entry = body_of<fuse_entry_out>(*reply);
  EXPECT_EQ(entry.nodeid, abi::image_node);
  EXPECT_EQ(entry.attr.size, mount.image->info().size.value());
  EXPECT_EQ(entry.attr.mode, static_cast<std::uint32_t>(S_IFREG | 0444));
  EXPECT_EQ(entry.attr.mtime, 0u);

  mount.wire.lookup(1, 12, "other");
  const auto missing = mount.wire.reply(1);
  ASSERT_TRUE(missing);
  EXPECT_EQ(body_of<fuse_entry_out>(*missing).nodeid, 0u);
}

TEST(FuseSession, file_target_is_the_image_itself) {
  WireMount mount({.kind = TargetKind::file});
  mount.wire.send(0, FUSE_GETATTR, 10, abi::root_node,
                  std::vector<std::byte>(sizeof(fuse_getattr_in)));
  const auto reply = mount.wire.reply(0);
  ASSERT_TRUE(reply);
  EXPECT_EQ(body_of<fuse_attr_out>(*reply).attr.mode, static_cast<std::uint32_t>(S_IFREG | 0444));
  mount.wire.lookup(0, 12, "test.raw");
  EXPECT_EQ(mount.wire.reply(0)->error, ENOTDIR);
}

TEST(FuseSession, block_count_grows_with_residency_and_is_kept_once_complete) {
  WireMount mount({.kind = TargetKind::file});
  const auto getattr = [&] {
    mount.wire.send(0, FUSE_GETATTR, 10, abi::root_node,
                    std::vector<std::byte>(sizeof(fuse_getattr_in)));
    return body_of<fuse_attr_out>(mount.wire.reply(0).value());
  };
  EXPECT_EQ(getattr().attr.blocks, 0u);
  mount.image->make_resident({BlockIndex(0), BlockCount(3)});
  const auto some = getattr();
  EXPECT_EQ(some.attr.blocks, 3u * 8);
  EXPECT_LE(some.attr_valid, 1u);
  mount.image->make_resident(mount.image->all());
  const auto all = getattr();
  EXPECT_EQ(all.attr.blocks, mount.image->usage().resident.value() * 8);
  EXPECT_GT(all.attr_valid, 3600u);
}

TEST(FuseSession, direct_openers_get_direct_io_and_all_keep_the_cache) {
  WireMount mount({});
  mount.wire.open(0, 10, mount.node(), O_RDONLY | O_DIRECT);
  EXPECT_EQ(body_of<fuse_open_out>(mount.wire.reply(0).value()).open_flags,
            static_cast<std::uint32_t>(FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE));
  mount.wire.open(0, 12, mount.node(), O_RDONLY);
  EXPECT_EQ(body_of<fuse_open_out>(mount.wire.reply(0).value()).open_flags,
            static_cast<std::uint32_t>(FOPEN_KEEP_CACHE));
}

TEST(FuseSession, whatever_would_change_something_is_refused) {
  WireMount mount({});
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC}) {
    mount.wire.open(0, 10, mount.node(), static_cast<std::uint32_t>(flags));
    EXPECT_EQ(mount.wire.reply(0)->error, EROFS);
  }
  mount.wire.send(0, FUSE_SETATTR, 12, mount.node(),
                  std::vector<std::byte>(sizeof(fuse_setattr_in)));
  EXPECT_EQ(mount.wire.reply(0)->error, EROFS);
}

TEST(FuseSession, locks_and_attributes_are_left_to_the_kernel) {
  WireMount mount({});
  mount.wire.send(0, FUSE_GETLK, 10, mount.node(), std::vector<std::byte>(sizeof(fuse_lk_in)));
  EXPECT_EQ(mount.wire.reply(0)->error, ENOSYS);
  mount.wire.send(0, FUSE_GETXATTR, 12, mount.node(), std::vector<std::byte>(32));
  EXPECT_EQ(mount.wire.reply(0)->error, ENOSYS);
}

TEST(FuseSession, seeks_by_what_the_tree_proves_to_be_zero) {
  WireMount mount({});  // blocks 48 … 55 of each 64 are zero
  const auto seek = [&](std::uint64_t offset, std::uint32_t whence) {
    fuse_lseek_in body{};
    body.offset = offset;
    body.whence = whence;
    mount.wire.send(0, FUSE_LSEEK, 10, mount.node(), std::as_bytes(std::span(&body, 1)));
    return mount.wire.reply(0).value();
  };
  const auto position = [&](std::uint64_t offset, std::uint32_t whence) {
    return body_of<fuse_lseek_out>(seek(offset, whence)).offset;
  };
  EXPECT_EQ(position(5, SEEK_DATA), 5u);
  EXPECT_EQ(position(5, SEEK_HOLE), 48u * 4096);
  EXPECT_EQ(position(50 * 4096 + 7, SEEK_HOLE), 50u * 4096 + 7);
  EXPECT_EQ(position(50 * 4096 + 7, SEEK_DATA), 56u * 4096);
  const std::uint64_t size = mount.image->info().size.value();
  EXPECT_EQ(position(size - 1, SEEK_HOLE), size);
  EXPECT_EQ(seek(size, SEEK_DATA).error, ENXIO);
}

TEST(FuseSession, resident_reads_are_answered_on_their_own_channel) {
  WireMount mount({});
  mount.image->make_resident(mount.image->all());
  mount.wire.read(0, 10, mount.node(), 5000, 10000);
  mount.wire.read(1, 12, mount.node(), 123, 1);
  const auto first = mount.wire.reply(0);
  const auto second = mount.wire.reply(1);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->unique, 10u);
  EXPECT_TRUE(std::ranges::equal(first->body, content_at(mount, 5000, 10000)));
  EXPECT_EQ(second->unique, 12u);
  EXPECT_TRUE(std::ranges::equal(second->body, content_at(mount, 123, 1)));
}

TEST(FuseSession, read_ends_at_the_size_of_the_image) {
  WireMount mount({.size = 4096 + 100});
  mount.image->make_resident(mount.image->all());
  mount.wire.read(0, 10, mount.node(), 4096, 4096);
  EXPECT_EQ(mount.wire.reply(0)->body.size(), 100u);
  mount.wire.read(0, 12, mount.node(), 4196, 4096);
  EXPECT_TRUE(mount.wire.reply(0)->body.empty());
}

TEST(FuseSession, requests_sent_again_keep_their_mark_in_the_answer) {
  WireMount mount({});
  mount.image->make_resident(mount.image->all());
  const std::uint64_t unique = (std::uint64_t{1} << 63) | 10;
  mount.wire.read(0, unique, mount.node(), 0, 100);
  EXPECT_EQ(mount.wire.reply(0)->unique, unique);
}

TEST(FuseSession, end_of_the_connection_is_reported_once_all_channels_ended) {
  WireMount mount({});
  mount.wire.close();
  for (int i = 0; i < 1000 && !mount.ended; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(mount.ended);
}

TEST(FuseSession, stop_ends_idle_channels_without_reporting_an_end) {
  WireMount mount({.channels = 4});
  mount.stop();
  EXPECT_FALSE(mount.ended);
}

}  // namespace
}  // namespace weft::fs
