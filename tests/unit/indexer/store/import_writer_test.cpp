// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

namespace weft {
namespace {

using test::SampleImage;

class ImportWriterTest : public test::StoreFixture {
 protected:
  std::size_t incoming() {
    return posix_file_system().list(dir_ / "state" / "incoming").value().size();
  }
};

TEST_F(ImportWriterTest, published_image_is_complete_and_reads_back) {
  const auto sample = SampleImage::picture("ab.c..d");
  const auto info = import(sample, "disk");
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(*info, sample.info);
  const auto local = image(sample);
  EXPECT_TRUE(reads_as(*local, sample));
  const auto usage = local->usage();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.zero, BlockCount(3));
  EXPECT_EQ(usage.resident, BlockCount(4));
  EXPECT_EQ(incoming(), 0u);
}

TEST_F(ImportWriterTest, full_pack_is_the_raw_image) {
  const auto sample = SampleImage::picture("ab.c");
  ASSERT_TRUE(import(sample, "disk"));
  const auto pack = dir_ / "state" / "images" / to_hex(sample.info.id) / "pack";
  EXPECT_EQ(test::read_file(pack), sample.bytes);
}

TEST_F(ImportWriterTest, image_is_there_after_reopening) {
  const auto sample = SampleImage::picture("ab.c");
  ASSERT_TRUE(import(sample, "disk"));
  reopen();
  const auto list = store_->list();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().name, "disk");
  EXPECT_TRUE(list->front().usage.complete);
  EXPECT_TRUE(reads_as(*image(sample), sample));
}

TEST_F(ImportWriterTest, threads_may_put_in_any_order) {
  const SampleImage sample(test::random_blocks(BlockCount(1000), 7));
  auto writer = store_->begin_import({"disk", sample.info.size, PackKind::own, ""});
  ASSERT_TRUE(writer);
  const auto put_part = [&](std::uint64_t part) {
    for (std::uint64_t at = part * 7; at < 1000; at += 21) {
      const std::uint64_t count = std::min<std::uint64_t>(7, 1000 - at);
      EXPECT_TRUE((*writer)->put(BlockIndex(at), sample.block(at, count),
                                 std::span(sample.digests).subspan(at, count)));
    }
  };
  std::vector<std::jthread> threads;
  for (const std::uint64_t part : {2u, 0u, 1u})
    threads.emplace_back(put_part, part);
  threads.clear();
  const auto info = (*writer)->publish();
  ASSERT_TRUE(info);
  EXPECT_EQ(*info, sample.info);
  EXPECT_TRUE(reads_as(*image(sample), sample));
}

TEST_F(ImportWriterTest, writer_destroyed_before_publish_leaves_nothing) {
  const auto sample = SampleImage::picture("abc");
  {
    auto writer = store_->begin_import({"disk", sample.info.size, PackKind::own, ""});
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->put(BlockIndex(0), sample.bytes, sample.digests));
    EXPECT_EQ(incoming(), 1u);
  }
  EXPECT_EQ(incoming(), 0u);
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(ImportWriterTest, half_made_import_is_gone_after_a_crash) {
  std::filesystem::create_directories(dir_ / "state" / "incoming" / "abc");
  test::write_file(dir_ / "state" / "incoming" / "abc" / "pack", SampleImage::picture("a").bytes);
  reopen();
  EXPECT_EQ(incoming(), 0u);
}

TEST_F(ImportWriterTest, same_content_twice_is_stored_once_under_both_names) {
  const auto sample = SampleImage::picture("abc");
  ASSERT_TRUE(import(sample, "one"));
  ASSERT_TRUE(import(sample, "two"));
  EXPECT_EQ(store_->list()->size(), 2u);
  EXPECT_EQ(store_->find("two")->info, sample.info);
  EXPECT_EQ(posix_file_system().list(dir_ / "state" / "images")->size(), 1u);
}

TEST_F(ImportWriterTest, import_completes_an_image_of_which_a_part_is_here) {
  const auto sample = SampleImage::picture("ab.cde");
  const auto partial = adopt(sample, "fetched");
  ASSERT_TRUE(sample.send_tree(*partial));
  ASSERT_TRUE(sample.send_blocks(*partial, 1, 1));
  ASSERT_TRUE(import(sample, "copied"));
  EXPECT_TRUE(partial->usage().complete);
  EXPECT_TRUE(reads_as(*partial, sample));
}

TEST_F(ImportWriterTest, taken_name_is_refused_before_anything_is_hashed) {
  ASSERT_TRUE(import(SampleImage::picture("abc"), "disk"));
  const auto again = store_->begin_import({"disk", ByteCount(4096), PackKind::own, ""});
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(Errc::name_taken));
}

TEST_F(ImportWriterTest, name_taken_meanwhile_keeps_the_store_as_it_was) {
  const auto sample = SampleImage::picture("abc");
  auto writer = store_->begin_import({"disk", sample.info.size, PackKind::own, ""});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->put(BlockIndex(0), sample.bytes, sample.digests));
  ASSERT_TRUE(import(SampleImage::picture("x"), "disk"));
  const auto published = (*writer)->publish();
  ASSERT_FALSE(published);
  EXPECT_TRUE(published.error().is(Errc::name_taken));
  EXPECT_EQ(posix_file_system().list(dir_ / "state" / "images")->size(), 1u);
}

TEST_F(ImportWriterTest, empty_and_badly_named_images_are_refused) {
  const auto refusal = [&](const std::string& name, ByteCount size) {
    return store_->begin_import({name, size, PackKind::own, ""}).error();
  };
  EXPECT_TRUE(refusal("disk", ByteCount(0)).is(Errc::empty_image));
  EXPECT_TRUE(refusal("disk", max_image_size + ByteCount(1)).is(Errc::image_too_large));
  EXPECT_TRUE(refusal("a/b", ByteCount(1)).is(Errc::bad_name));
  EXPECT_TRUE(refusal(".a", ByteCount(1)).is(Errc::bad_name));
}

TEST_F(ImportWriterTest, in_place_image_reads_from_the_source_and_stores_no_blocks) {
  const auto sample = SampleImage::picture("ab.c");
  test::write_file(dir_ / "disk.raw", sample.bytes);
  ASSERT_TRUE(import(sample, "disk", PackKind::in_place, dir_ / "disk.raw"));
  const auto local = image(sample);
  EXPECT_TRUE(local->in_place());
  EXPECT_TRUE(reads_as(*local, sample));
  const auto usage = local->usage();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.zero, BlockCount(1));
  EXPECT_EQ(usage.resident, BlockCount(3));
  const auto pack =
      posix_file_system()
          .open(dir_ / "state" / "images" / to_hex(sample.info.id) / "pack", OpenMode::read)
          .value()
          ->stat();
  EXPECT_EQ(pack->allocated, ByteCount(0));
}

TEST_F(ImportWriterTest, any_block_is_found_by_its_digest) {
  const SampleImage sample(test::random_blocks(BlockCount(900), 3));
  ASSERT_TRUE(import(sample, "disk"));
  std::vector<std::byte> block(block_size);
  for (std::uint64_t i = 0; i < 900; ++i) {
    ASSERT_TRUE(store_->read_by_digest(sample.digests[i], block)) << i;
    EXPECT_TRUE(std::ranges::equal(block, sample.block(i)));
  }
  EXPECT_TRUE(store_->read_by_digest(SampleImage::picture("z").digests[0], block)
                  .error()
                  .is(Errc::not_resident));
}

}  // namespace
}  // namespace weft
