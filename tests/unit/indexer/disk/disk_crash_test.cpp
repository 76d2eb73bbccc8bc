// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/disk/disk_fixture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <random>
#include <set>
#include <string>

// Ends the process, or the machine, at every call that changes the file system, and looks at what a
// successor finds.
namespace weft {
namespace {

using test::DiskCall;
using test::Fault;
using test::Survival;

/// What each block may hold.
class Allowed {
 public:
  /// Only the first blocks are ever changed.
  static constexpr std::size_t changed_blocks = 20;

  explicit Allowed(const std::vector<std::byte>& content) {
    for (std::size_t at = 0; at < changed_blocks * block_size; at += block_size)
      blocks_.push_back({{digest(content, at)}, {digest(content, at)}});
  }
  /// A change from `before` to `after` has begun, or has returned.
  void begin(const std::vector<std::byte>& after) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      blocks_[i].after_kill.insert(digest(after, i * block_size));
      blocks_[i].after_cut.insert(digest(after, i * block_size));
    }
  }
  void returned(const std::vector<std::byte>& now) {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      blocks_[i].after_kill = {digest(now, i * block_size)};
  }
  void flushed(const std::vector<std::byte>& now) {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      blocks_[i].after_cut = {digest(now, i * block_size)};
  }
  void check(const std::vector<std::byte>& found, bool was_cut, const std::string& when) const {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto& allowed = was_cut ? blocks_[i].after_cut : blocks_[i].after_kill;
      ASSERT_TRUE(allowed.contains(digest(found, i * block_size)))
          << when << ": block " << i << " holds what it never should";
    }
  }

 private:
  struct Block {
    std::set<Digest> after_kill, after_cut;
  };
  static Digest digest(const std::vector<std::byte>& content, std::size_t at) {
    return sha256(
        std::span(content).subspan(at, std::min<std::size_t>(block_size, content.size() - at)));
  }
  std::vector<Block> blocks_;
};

struct How {
  const char* name;
  bool cut;
  Survival survival;
};

class DiskCrash : public test::DiskFixture, public ::testing::WithParamInterface<How> {
 protected:
  /// A fixed sequence of changes and flushes; stops at the first error. False: it came to its end.
  bool run(std::uint64_t seed, Allowed& allowed) {
    std::mt19937_64 random(seed);
    std::vector<std::byte> now = sample_bytes();
    for (int i = 0; i < 30; ++i) {
      if (random() % 4 == 0) {
        if (!disk_->flush()) return true;
        allowed.flushed(now);
        continue;
      }
      // Few blocks, so that they are changed again and again.
      const std::uint64_t offset = random() % (12 * block_size);
      const std::uint64_t length = 1 + random() % (3 * block_size);
      const bool whole = random() % 2 == 0;
      const std::uint64_t from = whole ? offset / block_size * block_size : offset;
      const std::uint64_t count = whole ? (length / block_size + 1) * block_size : length;
      const bool zeros = random() % 3 == 0;
      std::vector<std::byte> after = now;
      for (std::uint64_t b = from; b < from + count; ++b)
        after[b] = zeros ? std::byte{0} : static_cast<std::byte>(random());
      allowed.begin(after);
      const auto done = zeros
                            ? disk_->zero(ByteOffset(from), ByteCount(count))
                            : disk_->write(ByteOffset(from), std::span(after).subspan(from, count));
      if (!done) return true;
      now = after;
      allowed.returned(now);
    }
    return false;
  }
};

TEST_P(DiskCrash, every_block_is_old_or_new_and_what_was_flushed_stays) {
  const How how = GetParam();
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (std::uint64_t nth = 1;; ++nth) {
      const std::string when = "seed " + std::to_string(seed) + ", call " + std::to_string(nth);
      make("disk-" + std::to_string(seed) + "-" + std::to_string(nth));
      Allowed allowed(sample_bytes());
      // Maps are torn below their pages, too: sectors are smaller.
      faulty_.add({.call = DiskCall::any_change,
                   .path_contains = "/map",
                   .nth = nth,
                   .and_after = true,
                   .torn_after = 1536});
      faulty_.add({.call = DiskCall::any_change, .nth = nth, .and_after = true});
      const bool ended = run(seed, allowed);
      faulty_.clear_faults();
      if (how.cut) {
        cut(how.survival, seed * 1000 + nth);
      } else {
        disk_.reset();
      }
      ASSERT_NO_FATAL_FAILURE(open()) << when;
      ASSERT_NO_FATAL_FAILURE(allowed.check(content(), how.cut, when));
      // And it goes on from there.
      const auto found = content();
      ASSERT_TRUE(disk_->flush()) << when;
      cut(Survival::nothing);
      ASSERT_NO_FATAL_FAILURE(open()) << when;
      ASSERT_TRUE(content() == found) << when;
      if (!ended) break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, DiskCrash,
                         ::testing::Values(How{"kill", false, Survival::everything},
                                           How{"cut_nothing_survives", true, Survival::nothing},
                                           How{"cut_all_survives", true, Survival::everything},
                                           How{"cut_some_survives", true, Survival::by_seed}),
                         [](const auto& how) { return how.param.name; });

class DiskFaults : public test::DiskFixture {
 protected:
  static bool starts_with(const std::vector<std::byte>& content, std::span<const std::byte> bytes) {
    return std::ranges::equal(std::span(content).first(bytes.size()), bytes);
  }
};

TEST_F(DiskFaults, after_a_failed_sync_no_flush_succeeds_until_the_disk_is_opened_again) {
  const std::vector<std::byte> bytes(block_size, std::byte{5});
  for (const char* file : {"/pack", "/map"}) {
    ASSERT_TRUE(disk_->write(ByteOffset(0), bytes));
    ASSERT_TRUE(disk_->zero(ByteOffset(block_size), ByteCount(block_size)));
    faulty_.add({.call = DiskCall::sync, .path_contains = file});
    const auto first = disk_->flush();
    ASSERT_FALSE(first) << file;
    EXPECT_NE(first.error().message().find("may be lost"), std::string::npos);
    EXPECT_FALSE(disk_->flush()) << file << ": the kernel would say that all is well";
    ASSERT_TRUE(disk_->write(ByteOffset(0), bytes)) << "its users learn it from their flush";
    EXPECT_FALSE(disk_->flush()) << file;
    open();
    ASSERT_TRUE(disk_->flush()) << file;
    ASSERT_TRUE(disk_->write(ByteOffset(block_size), bytes));
  }
  ASSERT_TRUE(disk_->flush());
  cut(Survival::nothing);
  open();
  EXPECT_TRUE(starts_with(content(), bytes));
}

TEST_F(DiskFaults, floor_of_free_space_is_kept_and_rewriting_goes_on) {
  const std::vector<std::byte> bytes(3 * block_size, std::byte{5});
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes));
  SpaceGuard none_left(posix_file_system(), dir_.path(), ByteCount(1ull << 60));
  disk_.reset();
  auto opened = WritableDisk::open(faulty_, paths_, "disk", base_, boot(), &none_left);
  ASSERT_TRUE(opened) << opened.error().message();
  disk_ = std::move(*opened);
  const auto before = content();
  const auto written = disk_->write(ByteOffset(2 * block_size), bytes);
  ASSERT_FALSE(written);
  EXPECT_EQ(to_errno(written.error()), ENOSPC);
  EXPECT_EQ(content(), before);
  EXPECT_TRUE(disk_->write(ByteOffset(0), bytes)) << "that takes no space";
  EXPECT_TRUE(disk_->zero(ByteOffset(0), ByteCount(block_size))) << "that gives some back";
  EXPECT_TRUE(disk_->flush());
}

TEST_F(DiskFaults, full_disk_is_told_and_leaves_the_old_bytes) {
  const auto before = content();
  faulty_.set_space(ByteCount(0));
  const std::vector<std::byte> bytes(3 * block_size, std::byte{5});
  const auto written = disk_->write(ByteOffset(100), bytes);
  ASSERT_FALSE(written);
  EXPECT_EQ(to_errno(written.error()), ENOSPC);
  faulty_.clear_faults();
  EXPECT_EQ(content(), before);
}

TEST_F(DiskFaults, flush_that_was_killed_before_its_sync_does_not_cost_the_one_before) {
  const std::vector<std::byte> one(block_size, std::byte{1});
  const std::vector<std::byte> two(block_size, std::byte{2});
  ASSERT_TRUE(disk_->write(ByteOffset(0), one));
  ASSERT_TRUE(disk_->flush());
  ASSERT_TRUE(disk_->write(ByteOffset(block_size), two));
  faulty_.add({.call = DiskCall::sync, .path_contains = "/map", .and_after = true});
  ASSERT_FALSE(disk_->flush());
  faulty_.clear_faults();
  open();  // killed; the page with the second block is in the page cache only
  ASSERT_TRUE(disk_->write(ByteOffset(2 * block_size), two));
  // The next flush tears the page that it writes, and then the power fails.
  faulty_.add({.call = DiskCall::write, .path_contains = "/map", .torn_after = 700});
  ASSERT_FALSE(disk_->flush());
  cut(Survival::everything);
  open();
  EXPECT_TRUE(starts_with(content(), one));
}

TEST_F(DiskFaults, damaged_map_is_an_error_and_never_shows_the_image_below) {
  const std::vector<std::byte> bytes(block_size, std::byte{5});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(disk_->write(ByteOffset(static_cast<std::uint64_t>(i) * block_size), bytes));
    ASSERT_TRUE(disk_->flush());
  }
  disk_.reset();
  {
    auto file = faulty_.open(paths_.map, OpenMode::read_write);
    for (const unsigned page : {1u, 2u})
      ASSERT_TRUE((*file)->write_at(ByteOffset(page * 4096 + 100), std::array{std::byte{77}}));
    ASSERT_TRUE((*file)->sync());
  }
  cut(Survival::everything);
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(Errc::damaged_state));
}

}  // namespace
}  // namespace weft
