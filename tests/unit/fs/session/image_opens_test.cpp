// SPDX-License-Identifier: Apache-2.0
#include "fs/session/image_opens.h"

#include "tests/support/fs/memory_image.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>

namespace weft::fs {
namespace {

constexpr std::uint32_t cached_flags = abi::open_keep_cache;
constexpr std::uint32_t direct_flags = abi::open_keep_cache | abi::open_direct_io;

/// Plays the kernel's table of backing files.
class FakeBacking final : public BackingFiles {
 public:
  struct Calls {
    std::vector<int> opened;
    std::vector<std::int32_t> closed;
    int error = 0;
  };
  explicit FakeBacking(Calls& calls) : calls_(calls) {}
  Result<std::int32_t> open(int descriptor) override {
    calls_.opened.push_back(descriptor);
    if (calls_.error != 0) return fail_errno(calls_.error, Operation::serve);
    return static_cast<std::int32_t>(calls_.opened.size());
  }
  void close(std::int32_t id) override { calls_.closed.push_back(id); }

 private:
  Calls& calls_;
};

class Opening : public ::testing::Test {
 protected:
  ImageOpens make(PassthroughPolicy policy = PassthroughPolicy::automatic, bool offered = true) {
    return ImageOpens({.image = image_,
                       .policy = policy,
                       .offered = offered,
                       .table = OpenTable::map(memory_).value(),
                       .backing = std::make_unique<FakeBacking>(calls_)});
  }
  void complete() {
    image_->make_resident(image_->all());
    image_->set_whole_pack(pack_.get());
  }

  const UniqueFd memory_ = OpenTable::make_memory().value();
  const UniqueFd pack_{::memfd_create("pack", MFD_CLOEXEC)};
  const std::shared_ptr<testing::MemoryImage> image_ =
      std::make_shared<testing::MemoryImage>(testing::make_content(4096, 1));
  FakeBacking::Calls calls_;
};

TEST_F(Opening, incomplete_image_is_opened_direct_or_cached_as_the_opener_asks) {
  ImageOpens opens = make();
  EXPECT_EQ(opens.open(2, true).open_flags, direct_flags);
  EXPECT_EQ(opens.open(4, false).open_flags, cached_flags);
  EXPECT_EQ(opens.status().mode(), "cached");
  EXPECT_TRUE(opens.wants_whole_pack());
  EXPECT_TRUE(calls_.opened.empty());
}

TEST_F(Opening, whole_image_is_passed_through_with_one_backing_file_for_all) {
  complete();
  ImageOpens opens = make();
  EXPECT_FALSE(opens.wants_whole_pack());
  const auto first = opens.open(2, true);
  const auto second = opens.open(4, false);
  EXPECT_EQ(first.open_flags, abi::open_passthrough);
  EXPECT_EQ(second.open_flags, abi::open_passthrough);
  EXPECT_EQ(first.backing_id, 1);
  EXPECT_EQ(second.backing_id, 1);
  EXPECT_EQ(calls_.opened, std::vector{pack_.get()});
  EXPECT_EQ(opens.status().mode(), "passthrough");
  EXPECT_EQ(opens.status().obstacle, "");
}

TEST_F(Opening, held_direct_opens_do_not_keep_later_ones_from_passthrough) {
  ImageOpens opens = make();
  static_cast<void>(opens.open(2, true));
  complete();
  EXPECT_EQ(opens.open(4, true).open_flags, abi::open_passthrough);
}

TEST_F(Opening, held_cached_opens_do_until_the_last_is_released) {
  ImageOpens opens = make();
  const auto first = opens.open(2, false);
  const auto second = opens.open(4, false);
  complete();
  EXPECT_EQ(opens.open(6, true).open_flags, direct_flags);
  opens.release(first.fh);
  EXPECT_EQ(opens.status().obstacle, "cached opens are held");
  EXPECT_EQ(opens.open(8, false).open_flags, cached_flags);
  opens.release(second.fh);
  EXPECT_EQ(opens.open(10, true).open_flags, direct_flags) << "the fourth is held, and cached";
}

TEST_F(Opening, successor_names_the_backing_file_its_predecessor_has_registered) {
  complete();
  static_cast<void>(make().open(2, false));
  ImageOpens successor = make();
  const auto out = successor.open(4, false);
  EXPECT_EQ(out.open_flags, abi::open_passthrough);
  EXPECT_EQ(out.backing_id, 1);
  EXPECT_EQ(calls_.opened.size(), 1u) << "another id would be refused by the kernel";
  EXPECT_EQ(successor.status().counts.passthrough, 2u);
}

TEST_F(Opening, successor_knows_of_cached_opens_it_has_not_answered) {
  const auto held = make().open(2, false);
  complete();
  ImageOpens successor = make();
  EXPECT_EQ(successor.open(4, true).open_flags, direct_flags);
  successor.release(held.fh);
  EXPECT_EQ(successor.open(6, true).open_flags, abi::open_passthrough);
}

TEST_F(Opening, open_sent_again_to_a_successor_is_decided_and_counted_anew) {
  static_cast<void>(make().open(2, false));
  complete();
  ImageOpens successor = make();
  EXPECT_EQ(successor.open(2 | abi::resent, false).open_flags, abi::open_passthrough);
  EXPECT_EQ(successor.status().counts.cached, 0u);
}

TEST_F(Opening, other_pack_is_registered_only_when_nobody_holds_the_old_one) {
  complete();
  ImageOpens opens = make();
  const auto held = opens.open(2, true);
  const UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
  image_->set_whole_pack(other.get());
  EXPECT_EQ(opens.open(4, true).open_flags, direct_flags);
  opens.release(held.fh);
  const auto next = opens.open(6, true);
  EXPECT_EQ(next.open_flags, abi::open_passthrough);
  EXPECT_EQ(next.backing_id, 2);
  EXPECT_EQ(calls_.closed, std::vector{1});
}

TEST_F(Opening, pack_that_has_lost_a_block_is_not_passed_through_to_further_openers) {
  complete();
  ImageOpens opens = make();
  static_cast<void>(opens.open(2, true));
  image_->set_whole_pack(-1);
  image_->lose(image_->all());
  EXPECT_EQ(opens.open(4, true).open_flags, direct_flags);
  EXPECT_EQ(opens.status().obstacle, "the pack is not the whole image yet");
  image_->make_resident(image_->all());
  EXPECT_EQ(opens.open(6, true).open_flags, direct_flags) << "it is to be compared first";
}

TEST_F(Opening, successor_goes_on_before_it_has_compared_the_pack_while_an_open_is_held) {
  complete();
  const auto held = make().open(2, true);
  image_->set_whole_pack(-1);
  ImageOpens successor = make();
  EXPECT_EQ(successor.status().obstacle, "");
  const auto out = successor.open(4, false);
  EXPECT_EQ(out.open_flags, abi::open_passthrough) << "the kernel would refuse any other mode";
  EXPECT_EQ(out.backing_id, 1);
  successor.release(held.fh);
  successor.release(out.fh);
  EXPECT_EQ(successor.open(6, false).open_flags, cached_flags);
}

TEST_F(Opening, recorder_holds_passthrough_off_but_not_beside_one_that_is_held) {
  complete();
  ImageOpens opens = make();
  opens.hold_off(true);
  const auto direct = opens.open(2, true);
  EXPECT_EQ(direct.open_flags, direct_flags);
  EXPECT_TRUE(opens.status().obstacle.contains("being recorded")) << opens.status().obstacle;
  opens.hold_off(false);
  static_cast<void>(opens.open(4, true));
  opens.hold_off(true);
  EXPECT_EQ(opens.open(6, true).open_flags, abi::open_passthrough)
      << "another mode would fail the open";
}

TEST_F(Opening, kernel_that_refuses_the_pack_is_asked_once) {
  complete();
  calls_.error = EPERM;
  ImageOpens opens = make();
  EXPECT_EQ(opens.open(2, true).open_flags, direct_flags);
  EXPECT_EQ(opens.open(4, false).open_flags, cached_flags);
  EXPECT_EQ(calls_.opened.size(), 1u);
  EXPECT_NE(opens.status().obstacle, "");
}

TEST_F(Opening, nothing_is_passed_through_where_it_is_off_or_not_offered) {
  complete();
  for (const bool off : {true, false}) {
    ImageOpens opens =
        make(off ? PassthroughPolicy::off : PassthroughPolicy::automatic, /*offered=*/off);
    EXPECT_EQ(opens.open(2, true).open_flags, direct_flags);
    EXPECT_FALSE(opens.wants_whole_pack());
    EXPECT_NE(opens.status().obstacle, "");
  }
  EXPECT_TRUE(calls_.opened.empty());
}

TEST_F(Opening, image_that_ends_within_a_block_is_never_prepared) {
  ImageOpens opens({.image = std::make_shared<testing::MemoryImage>(testing::make_content(4608, 1)),
                    .offered = true,
                    .table = OpenTable::map(memory_).value(),
                    .backing = std::make_unique<FakeBacking>(calls_)});
  EXPECT_FALSE(opens.wants_whole_pack());
  EXPECT_TRUE(opens.status().obstacle.contains("4096"));
}

TEST_F(Opening, cached_opens_beyond_the_table_keep_passthrough_off_for_good) {
  ImageOpens opens = make();
  std::vector<std::uint64_t> handles;
  for (std::uint64_t i = 0; i <= OpenTable::slot_count; ++i) {
    handles.push_back(opens.open(2 * i, false).fh);
  }
  complete();
  for (const auto handle : handles)
    opens.release(handle);
  EXPECT_EQ(opens.status().counts.cached, 0u);
  EXPECT_EQ(opens.open(20'000, true).open_flags, direct_flags)
      << "one is held that was not entered";
}

TEST(PassthroughOffer, is_read_from_the_init_request) {
  const auto request = [](std::uint32_t flags, std::uint32_t flags2) {
    std::vector<std::byte> bytes(sizeof(abi::InHeader) + 64);
    const abi::InitIn init{7, 45, 0, flags, flags2};
    std::memcpy(bytes.data() + sizeof(abi::InHeader), &init, sizeof init);
    return bytes;
  };
  EXPECT_TRUE(offers_passthrough(request(abi::init_ext, abi::init2_passthrough)));
  EXPECT_FALSE(offers_passthrough(request(0, abi::init2_passthrough)));
  EXPECT_FALSE(offers_passthrough(request(abi::init_ext, 0)));
  auto old = request(abi::init_ext, abi::init2_passthrough);
  old.resize(sizeof(abi::InHeader) + 16);
  EXPECT_FALSE(offers_passthrough(old));
}

}  // namespace
}  // namespace weft::fs
