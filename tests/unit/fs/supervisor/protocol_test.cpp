// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/protocol.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

namespace weft::fs::supervision {
namespace {

MountSpec spec() {
  return {"/mnt/vm", TargetKind::file, std::string("de\0scription", 12)};
}

MountReply mount_reply() {
  return {.key = MountKey{7},
          .spec = spec(),
          .device = {0, 52},
          .init_request = {std::byte{1}, std::byte{2}},
          .inherited = true,
          .channels = 600};
}

std::vector<Packet> one_of_each() {
  return {{1, ReadyCall{}},
          {2, MountCall{spec(), 4}},
          {3, UnmountCall{MountKey{9}, true}},
          {4, InheritedCall{MountKey{~0ULL}}},
          {5, ForgetCall{MountKey{1}}},
          {6, DoneReply{}},
          {7, FailedReply{{make_error_code(Errc::target_busy), Operation::umount, "/mnt"}}},
          {8, mount_reply()},
          {9, DescriptorsReply{}},
          {~0ULL, EndReply{}},
          {10, UpgradeCall{"/usr/bin/weft"}},
          {11, HandOverCall{}},
          {12, StandByCall{"0.2.0"}},
          {13, RefuseCall{{make_error_code(Errc::newer_state), Operation::open, "state"}}},
          {14, StandingByReply{4711, "0.2.0"}},
          {15, OpensCall{MountKey{3}}},
          {16, OpensReply{}}};
}

TEST(SupervisorProtocol, every_message_survives_the_way) {
  for (const Packet& packet : one_of_each()) {
    const auto bytes = encode(packet);
    const auto decoded = decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << packet.message.index();
    EXPECT_EQ(decoded->request, packet.request);
    EXPECT_EQ(decoded->message.index(), packet.message.index());
    EXPECT_EQ(encode(*decoded), bytes);
  }
}

TEST(SupervisorProtocol, a_mount_arrives_with_all_its_fields) {
  const auto decoded = decode(encode({8, mount_reply()}));
  ASSERT_TRUE(decoded.has_value());
  const auto& reply = std::get<MountReply>(decoded->message);
  EXPECT_EQ(reply.key, MountKey{7});
  EXPECT_EQ(reply.spec.target, "/mnt/vm");
  EXPECT_EQ(reply.spec.kind, TargetKind::file);
  EXPECT_EQ(reply.spec.description, std::string("de\0scription", 12));
  EXPECT_EQ(reply.device, (DeviceId{0, 52}));
  EXPECT_EQ(reply.init_request.size(), 2U);
  EXPECT_TRUE(reply.inherited);
  EXPECT_EQ(reply.channels, 600U);
}

TEST(SupervisorProtocol, bytes_of_version_1_are_fixed) {
  const std::vector<std::uint8_t> expected{'W', 'w', 's', 'f', 1, 0, 2, 0, 3, 0, 0, 0, 0,
                                           0,   0,   0,   9,   0, 0, 0, 0, 0, 0, 0, 1};
  const auto bytes = encode({3, UnmountCall{MountKey{9}, true}});
  EXPECT_EQ(bytes.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::to_integer<std::uint8_t>(bytes[i]), expected[i]) << i;
  }
}

TEST(SupervisorProtocol, messages_added_later_have_types_of_their_own) {
  const auto type_of = [](const Packet& packet) {
    const auto bytes = encode(packet);
    return std::to_integer<int>(bytes[6]) + 256 * std::to_integer<int>(bytes[7]);
  };
  EXPECT_EQ(type_of({1, EndReply{}}), 9);
  EXPECT_EQ(type_of({1, OpensCall{MountKey{3}}}), 15);
  EXPECT_EQ(type_of({1, OpensReply{}}), 16);
}

TEST(SupervisorProtocol, bytes_of_an_upgrade_are_fixed) {
  const auto type_of = [](const Message& message) {
    return std::to_integer<int>(encode({1, message}).at(6));
  };
  EXPECT_EQ(type_of(UpgradeCall{"/b"}), 10);
  EXPECT_EQ(type_of(HandOverCall{}), 11);
  EXPECT_EQ(type_of(StandByCall{}), 12);
  EXPECT_EQ(type_of(RefuseCall{}), 13);
  const std::vector<std::uint8_t> expected{'W', 'w', 's', 'f', 1, 0, 14, 0, 5, 0, 0, 0,   0,
                                           0,   0,   0,   2,   1, 0, 0,  2, 0, 0, 0, 'v', '2'};
  const auto bytes = encode({5, StandingByReply{258, "v2"}});
  ASSERT_EQ(bytes.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::to_integer<std::uint8_t>(bytes[i]), expected[i]) << i;
  }
}

TEST(SupervisorProtocol, errors_keep_their_code_and_words) {
  const auto round = [](std::error_code code) {
    auto packet = decode(encode({1, FailedReply{{code, Operation::mount, "why"}}}));
    return std::get<FailedReply>(packet.value().message).error;
  };
  EXPECT_TRUE(round(make_error_code(Errc::already_mounted)).is(Errc::already_mounted));
  EXPECT_TRUE(round({ENOSPC, std::generic_category()}).is(std::errc::no_space_on_device));
  EXPECT_TRUE(round({3, std::iostream_category()}).is(std::errc::io_error));
  EXPECT_EQ(round(make_error_code(Errc::bad_target)).detail, "why");
  EXPECT_EQ(round(make_error_code(Errc::bad_target)).operation, Operation::mount);
}

TEST(SupervisorProtocol, the_largest_mount_fits_and_longer_ones_are_refused) {
  MountSpec largest{std::string(max_text, 'p'), TargetKind::directory,
                    std::string(max_description, 'd')};
  ASSERT_TRUE(check_limits(largest).has_value());
  MountReply reply = mount_reply();
  reply.spec = largest;
  reply.init_request.resize(max_text);
  const auto bytes = encode({1, reply});
  EXPECT_LE(bytes.size(), max_packet);
  EXPECT_TRUE(decode(bytes).has_value());

  largest.description += 'x';
  EXPECT_FALSE(check_limits(largest).has_value());
  EXPECT_FALSE(check_limits({std::string(max_text + 1, 'p'), TargetKind::file, ""}).has_value());
  EXPECT_FALSE(check_limits({"", TargetKind::file, ""}).has_value());
}

TEST(SupervisorProtocol, a_mount_says_whether_it_may_be_written_to) {
  for (const auto kind : {TargetKind::directory, TargetKind::file}) {
    for (const bool writable : {false, true}) {
      const auto packet = decode(encode({1, MountCall{{"/t", kind, "d", writable}, 2}}));
      ASSERT_TRUE(packet);
      const MountSpec& spec = std::get<MountCall>(packet->message).spec;
      EXPECT_EQ(spec.kind, kind);
      EXPECT_EQ(spec.writable, writable);
      EXPECT_EQ(spec.description, "d");
    }
  }
}

TEST(SupervisorProtocol, truncated_and_padded_packets_are_refused) {
  for (const Packet& packet : one_of_each()) {
    auto bytes = encode(packet);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode(std::span(bytes).first(size)).has_value());
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode(bytes).has_value());
  }
}

TEST(SupervisorProtocol, lengths_beyond_the_packet_take_no_memory) {
  auto bytes = encode({2, MountCall{spec(), 4}});
  bytes[16] = bytes[17] = bytes[18] = bytes[19] = std::byte{0xff};  // length of the target
  const auto decoded = decode(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_TRUE(decoded.error().is(Errc::bad_request));
}

TEST(SupervisorProtocol, another_version_is_told_apart_from_garbage) {
  auto bytes = encode({1, ReadyCall{}});
  bytes[4] = std::byte{2};
  EXPECT_TRUE(decode(bytes).error().is(Errc::unsupported));
  bytes[0] = std::byte{0};
  EXPECT_TRUE(decode(bytes).error().is(Errc::bad_request));
}

TEST(SupervisorProtocol, unknown_types_and_values_are_refused) {
  auto bytes = encode({1, ReadyCall{}});
  bytes[6] = std::byte{200};
  EXPECT_FALSE(decode(bytes).has_value());
  auto flag = encode({3, UnmountCall{MountKey{9}, true}});
  flag.back() = std::byte{2};
  EXPECT_FALSE(decode(flag).has_value());
}

}  // namespace
}  // namespace weft::fs::supervision
