// SPDX-License-Identifier: Apache-2.0
#include "fs/session/open_table.h"

#include <gtest/gtest.h>

#include <set>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace weft::fs {
namespace {

class Opens : public ::testing::Test {
 protected:
  /// As another worker would see it.
  OpenTable map() { return OpenTable::map(memory_).value(); }

  const UniqueFd memory_ = OpenTable::make_memory().value();
  OpenTable table_ = OpenTable::map(memory_).value();
};

TEST_F(Opens, what_one_worker_enters_its_successor_sees) {
  const auto handle = table_.add(100, IoMode::cached);
  ASSERT_TRUE(table_.add(102, IoMode::direct));
  ASSERT_TRUE(table_.add(104, IoMode::passthrough));
  table_.set_backing({.id = 7, .device = 8, .inode = 9});
  OpenTable successor = map();
  EXPECT_EQ(successor.counts().cached, 1u);
  EXPECT_EQ(successor.counts().direct, 1u);
  EXPECT_EQ(successor.counts().passthrough, 1u);
  EXPECT_EQ(successor.backing().id, 7);
  EXPECT_EQ(successor.backing().device, 8u);
  EXPECT_EQ(successor.backing().inode, 9u);
  successor.remove(handle.value());
  EXPECT_EQ(table_.counts().cached, 0u);
}

TEST_F(Opens, release_that_is_sent_again_takes_no_later_open_out) {
  const auto first = table_.add(100, IoMode::cached).value();
  table_.remove(first);
  const auto second = table_.add(102, IoMode::cached).value();
  EXPECT_NE(first, second);
  table_.remove(first);
  EXPECT_EQ(table_.counts().cached, 1u);
  table_.remove(second);
  EXPECT_EQ(table_.counts().cached, 0u);
}

TEST_F(Opens, open_that_is_sent_again_is_counted_once) {
  ASSERT_TRUE(table_.add(100, IoMode::cached));
  OpenTable successor = map();
  successor.remove_request(100);
  ASSERT_TRUE(successor.add(100, IoMode::direct));
  EXPECT_EQ(successor.counts().cached, 0u);
  EXPECT_EQ(successor.counts().direct, 1u);
}

TEST_F(Opens, handles_differ_and_are_never_0) {
  std::set<std::uint64_t> handles;
  for (std::uint64_t i = 0; i < OpenTable::slot_count; ++i) {
    handles.insert(table_.add(2 * i, IoMode::direct).value());
  }
  EXPECT_EQ(handles.size(), OpenTable::slot_count);
  EXPECT_FALSE(handles.contains(0));
  EXPECT_FALSE(table_.add(1, IoMode::direct)) << "full";
  table_.remove(*handles.begin());
  EXPECT_TRUE(table_.add(3, IoMode::direct));
}

TEST_F(Opens, handles_made_up_take_nothing_out) {
  ASSERT_TRUE(table_.add(100, IoMode::cached));
  for (const std::uint64_t handle : {std::uint64_t{1} << 12, ~std::uint64_t{0}, std::uint64_t{5}}) {
    table_.remove(handle);
  }
  EXPECT_EQ(table_.counts().cached, 1u);
}

TEST_F(Opens, memory_of_another_kind_or_version_is_refused) {
  EXPECT_TRUE(OpenTable::map(UniqueFd()).error().is(Errc::unsupported));

  const UniqueFd unsealed(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(unsealed.get(), OpenTable::byte_size), 0);
  EXPECT_TRUE(OpenTable::map(unsealed).error().is(Errc::unsupported)) << "it could shrink";

  const UniqueFd other = OpenTable::make_memory().value();
  const std::byte version[2] = {std::byte{2}, std::byte{0}};
  ASSERT_EQ(::pwrite(other.get(), version, sizeof version, 6), std::ssize(version));
  EXPECT_TRUE(OpenTable::map(other).error().is(Errc::unsupported));
}

TEST_F(Opens, layout_of_version_1_is_fixed) {
  ASSERT_TRUE(table_.add(0x1234, IoMode::passthrough));
  table_.set_backing({.id = 7, .device = 8, .inode = 9});
  std::uint64_t words[OpenTable::first_slot + 1] = {};
  ASSERT_EQ(::pread(memory_.get(), words, sizeof words, 0), static_cast<ssize_t>(sizeof words));
  EXPECT_EQ(words[0], 0x0001'6e65'706f'7777u);
  EXPECT_EQ(words[1], 7u);
  EXPECT_EQ(words[2], 8u);
  EXPECT_EQ(words[3], 9u);
  EXPECT_EQ(words[4], 0u);
  EXPECT_EQ(words[OpenTable::first_slot], 0x1234u * 4 + 3);
}

}  // namespace
}  // namespace weft::fs
