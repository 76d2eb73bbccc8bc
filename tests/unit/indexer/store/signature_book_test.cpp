// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/signature_book.h"

#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <set>

namespace weft {
namespace {

using test::SampleImage;

class SignatureBookTest : public test::StoreFixture {
 protected:
  static Signature signature_of(const SampleImage& sample) {
    std::set<DigestKey> keys;
    for (const Digest& digest : sample.digests) {
      if (!digest.is_zero()) keys.insert(digest_key(digest));
    }
    return {sample.info.id, 0, BlockCount(keys.size()), {keys.begin(), keys.end()}};
  }
  /// `count` blocks of `base` from `first` on, and as many of its own as make it 1000.
  static SampleImage related(const SampleImage& base, std::uint64_t first, std::uint64_t count,
                             std::uint64_t seed) {
    std::vector<std::byte> bytes = test::random_blocks(BlockCount(1000 - count), seed);
    bytes.insert(bytes.end(), base.block(first, count).begin(), base.block(first, count).end());
    return SampleImage(std::move(bytes));
  }
};

TEST_F(SignatureBookTest, full_signature_is_the_sorted_keys_of_the_data_blocks) {
  const auto sample = SampleImage::picture("abca.0bd");
  ASSERT_TRUE(import(sample, "disk"));
  EXPECT_EQ(*store_->signature(sample.info.id, 100), signature_of(sample));
  reopen();
  EXPECT_EQ(*store_->signature(sample.info.id, 100), signature_of(sample));
  EXPECT_EQ(store_->signatures_known()->size(), 1u);
}

TEST_F(SignatureBookTest, short_one_is_sampled_at_the_lowest_shift_that_fits) {
  const SampleImage sample(test::random_blocks(BlockCount(2000), 1));
  ASSERT_TRUE(import(sample, "disk"));
  for (const std::size_t most : {1u, 2u, 17u, 500u, 1000u, 1999u, 2000u}) {
    EXPECT_EQ(*store_->signature(sample.info.id, most), sampled(signature_of(sample), most));
  }
}

TEST_F(SignatureBookTest, image_whose_blocks_are_elsewhere_has_one_once_its_tree_is_here) {
  const SampleImage sample(test::random_blocks(BlockCount(300), 1));
  const auto local = adopt(sample);
  std::size_t left = sample.nodes.size();
  for (auto node = sample.nodes.rbegin(); node != sample.nodes.rend(); ++node) {
    EXPECT_TRUE(store_->signature(sample.info.id, 9).error().is(Errc::not_resident)) << left;
    ASSERT_TRUE(local->add_node(node->first, node->second));
    --left;
  }
  EXPECT_EQ(*store_->signature(sample.info.id, 1000), signature_of(sample));
}

TEST_F(SignatureBookTest, learnt_signature_is_there_after_a_restart) {
  const SampleImage sample(test::random_blocks(BlockCount(300), 1));
  EXPECT_TRUE(store_->signature(sample.info.id, 9).error().is(Errc::not_resident));
  ASSERT_TRUE(store_->learn_signature(signature_of(sample)));
  reopen();
  EXPECT_EQ(*store_->signature(sample.info.id, 1000), signature_of(sample));
  EXPECT_EQ(*store_->signature(sample.info.id, 20), sampled(signature_of(sample), 20));
  EXPECT_EQ(*store_->signatures_known(), std::vector{sample.info.id});
}

TEST_F(SignatureBookTest, what_is_here_counts_more_than_what_a_peer_says) {
  const auto sample = SampleImage::picture("abcd");
  auto lie = signature_of(SampleImage::picture("xyz"));
  lie.image = sample.info.id;
  ASSERT_TRUE(store_->learn_signature(lie));
  ASSERT_TRUE(import(sample, "disk"));
  EXPECT_EQ(*store_->signature(sample.info.id, 100), signature_of(sample));
}

TEST_F(SignatureBookTest, signature_that_cannot_be_is_not_learnt) {
  auto wrong = signature_of(SampleImage::picture("abcd"));
  std::swap(wrong.keys[0], wrong.keys[1]);
  EXPECT_TRUE(store_->learn_signature(wrong).error().is(Errc::bad_request));
  EXPECT_TRUE(store_->signatures_known()->empty());
}

TEST_F(SignatureBookTest, relatives_come_by_shared_blocks_and_strangers_not_at_all) {
  const SampleImage target(test::random_blocks(BlockCount(1000), 1));
  const auto near = related(target, 100, 700, 2);
  const auto far = related(target, 0, 40, 3);
  const SampleImage stranger(test::random_blocks(BlockCount(1000), 4));
  ASSERT_TRUE(import(far, "far"));
  ASSERT_TRUE(import(stranger, "stranger"));
  ASSERT_TRUE(near.send_tree(*adopt(near, "near")));
  ASSERT_TRUE(store_->flush());
  EXPECT_TRUE(store_->relatives(target.info.id)->empty()) << "nothing is known of it yet";
  ASSERT_TRUE(store_->learn_signature(signature_of(target)));
  const auto relatives = store_->relatives(target.info.id);
  ASSERT_TRUE(relatives) << relatives.error().message();
  ASSERT_EQ(relatives->size(), 2u);
  EXPECT_EQ((*relatives)[0].image, near.info.id);
  EXPECT_EQ((*relatives)[0].shared, BlockCount(700));
  EXPECT_TRUE((*relatives)[0].whole_tree);
  EXPECT_EQ((*relatives)[1].image, far.info.id);
  EXPECT_EQ((*relatives)[1].shared, BlockCount(40));
  ASSERT_TRUE(store_->remove("near"));
  EXPECT_EQ(store_->relatives(target.info.id)->size(), 1u);
}

TEST_F(SignatureBookTest, few_blocks_are_looked_for_in_relatives_only) {
  const SampleImage target(test::random_blocks(BlockCount(1000), 1));
  const auto near = related(target, 100, 700, 2);
  const SampleImage stranger(test::random_blocks(BlockCount(1000), 4));
  ASSERT_TRUE(import(near, "near"));
  ASSERT_TRUE(import(stranger, "stranger"));
  ASSERT_TRUE(store_->learn_signature(signature_of(target)));
  struct Indexes final : LocalIndexes {
    explicit Indexes(std::filesystem::path state) : images(std::move(state)) {}
    std::vector<ImageId> indexed_images() const override { return ids; }
    std::shared_ptr<const DigestIndex> index_of(const ImageId& id) override {
      auto& index = open[id];
      auto file = posix_file_system().open(images / to_hex(id) / "index", OpenMode::read);
      if (!index && file) index = *DigestIndex::open(std::move(*file), id);
      return index;
    }
    std::filesystem::path images;
    std::vector<ImageId> ids;
    std::map<ImageId, std::shared_ptr<const DigestIndex>> open;
  } indexes(dir_ / "state" / "images");
  indexes.ids = {stranger.info.id, near.info.id};
  store_.reset();
  auto catalog = Catalog::open(dir_ / "state" / "catalog.sqlite");
  ASSERT_TRUE(catalog);
  SignatureBook book(indexes, **catalog);
  EXPECT_EQ(book.lenders_for(target.info.id, 100), std::vector{near.info.id});
  EXPECT_EQ(book.lenders_for(target.info.id, 100000),
            (std::vector{near.info.id, stranger.info.id}));
  EXPECT_EQ(book.lenders_for(SampleImage::picture("q").info.id, 100).size(), 2u)
      << "of an image that nothing is known of, any may be a relative";
  ASSERT_TRUE((*catalog)->remove_signature(target.info.id));
  book.changed();
  EXPECT_EQ(book.lenders_for(target.info.id, 100).size(), 2u);
}

}  // namespace
}  // namespace weft
