// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

using test::SampleImage;

class Borrowing : public test::StoreFixture {
 protected:
  std::filesystem::path file_of(const SampleImage& sample, const char* name) {
    return dir_ / "state" / "images" / to_hex(sample.info.id) / name;
  }
  ByteCount pack_bytes(const SampleImage& sample) {
    return posix_file_system()
        .open(file_of(sample, "pack"), OpenMode::read)
        .value()
        ->stat()
        ->allocated;
  }
  ByteCount physical() {
    ByteCount sum;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir_ / "state" / "images")) {
      if (!entry.is_regular_file()) continue;
      sum += posix_file_system().open(entry.path(), OpenMode::read).value()->stat()->allocated;
    }
    return sum;
  }
  std::size_t images_on_disk() {
    return posix_file_system().list(dir_ / "state" / "images")->size();
  }
};

TEST_F(Borrowing, blocks_another_image_has_become_readable_with_the_leaf) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("xab.efy");
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  EXPECT_EQ(residency(*local), ".#####.");
  EXPECT_EQ(read(*local, block_size, 5 * block_size),
            std::vector(next.block(1, 5).begin(), next.block(1, 5).end()));
  const auto usage = local->usage();
  EXPECT_EQ(usage.borrowed, BlockCount(4));
  EXPECT_EQ(usage.zero, BlockCount(1));
  EXPECT_EQ(usage.missing, BlockCount(2));
  EXPECT_EQ(pack_bytes(next), ByteCount(0)) << "nothing is stored twice";
}

TEST_F(Borrowing, whether_a_range_touches_a_borrowed_block_is_told) {
  const auto base = SampleImage::picture("ab");
  const auto next = SampleImage::picture("x.abyz");
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  ASSERT_TRUE(next.send_blocks(*local, 0, 1));
  ASSERT_TRUE(next.send_blocks(*local, 4, 1));
  const auto borrows = [&](std::uint64_t first, std::uint64_t count) {
    return local->borrows({BlockIndex(first), BlockCount(count)});
  };
  EXPECT_FALSE(borrows(0, 2)) << "its own, and zero";
  EXPECT_TRUE(borrows(1, 2));
  EXPECT_TRUE(borrows(3, 1));
  EXPECT_FALSE(borrows(4, 2)) << "its own, and missing";
  EXPECT_FALSE(borrows(4, 1000)) << "past the end there is nothing";
}

TEST_F(Borrowing, borrowed_blocks_are_known_after_reopening) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("xabef");
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(next.send_tree(*adopt(next, "next")));
  reopen();
  const auto local = image(next);
  EXPECT_EQ(residency(*local), ".####");
  ASSERT_TRUE(next.send_blocks(*local, 0, 1));
  EXPECT_TRUE(reads_as(*local, next));
}

TEST_F(Borrowing, image_completed_by_fetching_lends_in_turn) {
  const auto base = SampleImage::picture("abcd");
  const auto fetched = adopt(base, "base");
  ASSERT_TRUE(base.send_tree(*fetched));
  ASSERT_TRUE(base.send_blocks(*fetched, 0, 4));
  ASSERT_TRUE(fetched->flush());
  const auto next = SampleImage::picture("dcba");
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  EXPECT_TRUE(reads_as(*local, next));
}

TEST_F(Borrowing, what_an_image_borrows_itself_is_lent_by_its_lender) {
  const auto base = SampleImage::picture("abcd");
  const auto middle = SampleImage::picture("ab");
  const auto last = SampleImage::picture("ba.");
  ASSERT_TRUE(import(base, "base"));
  {
    const auto local = adopt(middle, "middle");
    ASSERT_TRUE(middle.send_tree(*local));
    ASSERT_TRUE(local->flush());
    EXPECT_TRUE(local->usage().complete);
  }
  const auto local = adopt(last, "last");
  ASSERT_TRUE(last.send_tree(*local));
  ASSERT_TRUE(store_->remove("middle")) << "nobody needs its files";
  EXPECT_EQ(images_on_disk(), 2u);
  EXPECT_TRUE(reads_as(*local, last));
}

TEST_F(Borrowing, damaged_block_of_the_lender_is_never_returned) {
  const auto base = SampleImage::picture("abcd");
  const auto next = SampleImage::picture("cb");
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  {
    auto pack = posix_file_system().open(file_of(base, "pack"), OpenMode::read_write).value();
    ASSERT_TRUE(pack->write_at(ByteOffset(2 * block_size + 9), std::array{std::byte{0x55}}));
  }
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(local->read(ByteOffset(0), out).error().is(Errc::not_resident));
  EXPECT_EQ(local->lost_blocks(), BlockCount(1));
  EXPECT_EQ(residency(*local), ".#");
  ASSERT_TRUE(next.send_blocks(*local, 0, 1));
  EXPECT_TRUE(reads_as(*local, next));
}

TEST_F(Borrowing, removal_keeps_what_others_borrow_and_punches_out_the_rest) {
  const SampleImage base(test::random_blocks(BlockCount(512), 1));
  std::vector<std::byte> part(base.block(100, 40).begin(), base.block(100, 40).end());
  const SampleImage next(part);
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  ASSERT_TRUE(local->flush());
  const auto before = physical();
  const auto report = store_->remove("base");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->kept_for_borrowers, BlockCount(40));
  EXPECT_EQ(pack_bytes(base), bytes_of(BlockCount(40)));
  EXPECT_EQ(report->freed, before - physical());
  EXPECT_TRUE(reads_as(*local, next));
  EXPECT_EQ(store_->list()->size(), 1u);
  EXPECT_TRUE(store_->find("base").error().is(Errc::unknown_image));
  EXPECT_TRUE(store_->image(base.info.id).error().is(Errc::unknown_image));
}

TEST_F(Borrowing, kept_blocks_survive_reopening_and_go_with_the_last_borrower) {
  const auto base = SampleImage::picture("abcdefgh");
  const auto one = SampleImage::picture("abc");
  const auto two = SampleImage::picture("cd");
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(one.send_tree(*adopt(one, "one")));
  ASSERT_TRUE(two.send_tree(*adopt(two, "two")));
  ASSERT_TRUE(store_->remove("base"));
  reopen();
  EXPECT_TRUE(reads_as(*image(one), one));
  EXPECT_EQ(pack_bytes(base), bytes_of(BlockCount(4)));
  ASSERT_TRUE(store_->remove("one"));
  EXPECT_EQ(pack_bytes(base), bytes_of(BlockCount(2)));
  EXPECT_TRUE(reads_as(*image(two), two));
  const auto report = store_->remove("two");
  ASSERT_TRUE(report);
  EXPECT_GE(report->freed, bytes_of(BlockCount(2)));
  EXPECT_EQ(images_on_disk(), 0u);
}

TEST_F(Borrowing, what_somebody_reads_in_the_pack_is_punched_out_when_he_has_ended) {
  const auto base = SampleImage::picture("abcdefgh");
  const auto next = SampleImage::picture("abc");
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(next.send_tree(*adopt(next, "next")));
  auto reader = posix_file_system().open(file_of(base, "pack"), OpenMode::read).value();
  ASSERT_TRUE(store_->remove("base"));
  std::vector<std::byte> seen(8 * block_size);
  EXPECT_EQ(reader->read_at(ByteOffset(0), seen).value(), seen.size());
  EXPECT_EQ(seen, std::vector(base.block(0, 8).begin(), base.block(0, 8).end()))
      << "never zeros for what was there";
  reader.reset();
  reopen();
  EXPECT_EQ(pack_bytes(base), bytes_of(BlockCount(3)));
  EXPECT_TRUE(reads_as(*image(next), next));
}

TEST_F(Borrowing, removed_lender_that_comes_back_is_filled_again) {
  const auto base = SampleImage::picture("ab.def");
  const auto next = SampleImage::picture("bd");
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(next.send_tree(*adopt(next, "next")));
  ASSERT_TRUE(store_->remove("base"));
  const auto again = adopt(base, "again");
  EXPECT_EQ(residency(*again), ".###..") << "kept blocks and the zero one are still here";
  ASSERT_TRUE(base.send_blocks(*again, 0, 6));
  EXPECT_TRUE(reads_as(*again, base));
  EXPECT_TRUE(again->usage().complete);
  ASSERT_TRUE(store_->remove("next"));
  EXPECT_TRUE(reads_as(*again, base)) << "an image is not collected with its borrowers";
}

TEST_F(Borrowing, import_of_a_removed_lender_completes_it) {
  const auto base = SampleImage::picture("ab.def");
  const auto next = SampleImage::picture("bd");
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(next.send_tree(*adopt(next, "next")));
  ASSERT_TRUE(store_->remove("base"));
  ASSERT_TRUE(import(base, "again"));
  EXPECT_TRUE(reads_as(*image(base), base));
  EXPECT_TRUE(store_->find("again")->usage.complete);
}

TEST_F(Borrowing, borrowers_copy_before_an_image_in_place_is_removed) {
  const auto base = SampleImage::picture("abcd");
  const auto next = SampleImage::picture("xcb");
  test::write_file(dir_ / "base.raw", base.bytes);
  ASSERT_TRUE(import(base, "base", PackKind::in_place, dir_ / "base.raw"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  ASSERT_TRUE(store_->remove("base"));
  EXPECT_EQ(images_on_disk(), 1u);
  EXPECT_EQ(test::read_file(dir_ / "base.raw"), base.bytes) << "the admin's file stays as it was";
  std::filesystem::remove(dir_ / "base.raw");
  EXPECT_EQ(residency(*local), ".##");
  ASSERT_TRUE(next.send_blocks(*local, 0, 1));
  EXPECT_TRUE(reads_as(*local, next));
  EXPECT_EQ(local->usage().borrowed, BlockCount(0));
}

TEST_F(Borrowing, image_in_use_is_not_removed) {
  const auto sample = SampleImage::picture("ab");
  ASSERT_TRUE(import(sample, "disk"));
  auto held = image(sample);
  EXPECT_TRUE(store_->remove("disk").error().is(Errc::image_in_use));
  EXPECT_TRUE(reads_as(*held, sample));
  held.reset();
  EXPECT_TRUE(store_->remove("disk"));
  EXPECT_TRUE(store_->remove("disk").error().is(Errc::unknown_image));
}

TEST_F(Borrowing, image_goes_with_its_last_name) {
  const auto sample = SampleImage::picture("ab");
  ASSERT_TRUE(import(sample, "one"));
  ASSERT_TRUE(import(sample, "two"));
  EXPECT_TRUE(store_->remove(to_hex(sample.info.id)).error().is(Errc::image_in_use));
  ASSERT_TRUE(store_->remove("one"));
  EXPECT_TRUE(reads_as(*image(sample), sample));
  ASSERT_TRUE(store_->remove(to_hex(sample.info.id).substr(0, 8)));
  EXPECT_EQ(images_on_disk(), 0u);
}

}  // namespace
}  // namespace weft
