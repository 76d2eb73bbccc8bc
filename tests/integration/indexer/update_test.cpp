// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/indexer/update_fixture.h"
#include "tests/support/indexer/sample_image.h"

// What an image indexed again becomes, and what is left of the old one.
namespace weft {
namespace {

using UpdateInStore = test::UpdateFixture;

TEST_F(UpdateInStore, unchanged_file_changes_nothing_and_hashes_nothing) {
  draw("abc..def0g");
  const auto first = import().value();
  const auto outcome = updated();
  EXPECT_FALSE(outcome.changed);
  EXPECT_EQ(outcome.hashed, ByteCount(0));
  EXPECT_EQ(outcome.info.id, first.info.id);
  EXPECT_EQ(outcome.old_id, first.info.id);
  EXPECT_EQ(debris(), 0u);
  expect_is_file();
}

TEST_F(UpdateInStore, only_changed_blocks_are_hashed_and_stored) {
  draw("abcdefghij");
  ASSERT_TRUE(import());
  draw("abXdefghYj");
  const auto outcome = updated();
  EXPECT_TRUE(outcome.changed);
  EXPECT_EQ(outcome.changed_blocks, BlockCount(2));
  EXPECT_EQ(outcome.hashed, bytes_of(BlockCount(2)));
  expect_is_file();
  const auto usage = image("disk")->usage();
  EXPECT_EQ(usage.resident, BlockCount(2));
  EXPECT_EQ(usage.borrowed, BlockCount(8));
  reopen();
  expect_is_file();
}

TEST_F(UpdateInStore, old_image_lends_what_is_borrowed_and_gives_back_the_rest) {
  draw("abcdefghij");
  const auto first = import().value();
  draw("abXdefghYj");
  updated();
  EXPECT_FALSE(is_here(first.info.id));
  EXPECT_EQ(store_->list().value().size(), 1u);
  // Only what nobody borrows can be given back: c and i.
  draw("XYZ");
  updated();
  expect_is_file();
  EXPECT_EQ(image("disk")->usage().borrowed, BlockCount(0));
  EXPECT_EQ(disk_.list(dir_ / "state" / "images").value().size(), 1u) << "an empty lender stays";
}

TEST_F(UpdateInStore, old_image_stays_whole_for_who_holds_it) {
  draw("abcdefghij");
  const auto before = test::read_file(source());
  const auto first = import().value();
  auto held = image("disk");
  draw("abXdefghYj");
  updated();
  expect_content(*held, before);
  EXPECT_TRUE(is_here(first.info.id));
  collect();
  expect_content(*held, before);
  held.reset();
  collect();
  EXPECT_FALSE(is_here(first.info.id));
  expect_is_file();
}

TEST_F(UpdateInStore, unnamed_image_is_found_again_after_a_restart_and_kept_if_asked) {
  draw("abcd");
  const auto before = test::read_file(source());
  const auto first = import().value();
  auto held = image("disk");
  draw("abXd");
  updated();
  held.reset();
  reopen();
  ASSERT_TRUE(store_->collect_unnamed([&](const ImageId& id) { return id == first.info.id; }));
  expect_content(*image(to_hex(first.info.id)), before);
  collect();
  EXPECT_FALSE(is_here(first.info.id));
  expect_is_file();
}

TEST_F(UpdateInStore, image_with_another_name_stays) {
  draw("abcd");
  const auto before = test::read_file(source());
  const auto first = import().value();
  ASSERT_TRUE(store_->adopt("golden", first.info));
  draw("aXcd");
  updated();
  collect();
  expect_content(*image("golden"), before);
  expect_is_file();
  ASSERT_TRUE(store_->remove("golden"));
  expect_is_file();
}

TEST_F(UpdateInStore, chains_of_updates_borrow_from_where_the_block_is) {
  draw("abcdefghij");
  ASSERT_TRUE(import());
  for (const std::string_view picture : {"1bcdefghij", "12cdefghij", "123defghij", "1234efghij"}) {
    draw(picture);
    updated();
    expect_is_file();
    reopen();
    expect_is_file();
  }
  // Each version lends one block at most but the first, and none of them lends what it borrows.
  EXPECT_EQ(image("disk")->usage().resident, BlockCount(1));
  EXPECT_EQ(disk_.list(dir_ / "state" / "images").value().size(), 5u);
  ASSERT_TRUE(store_->remove("disk"));
  EXPECT_TRUE(disk_.list(dir_ / "state" / "images").value().empty());
}

TEST_F(UpdateInStore, going_back_to_an_earlier_version_finds_it_again) {
  draw("abcdefghij");
  const auto first = import().value();
  draw("aXcdeYghij");
  updated();
  draw("abcdefghij");
  const auto back = updated();
  EXPECT_EQ(back.info.id, first.info.id);
  expect_is_file();
  reopen();
  expect_is_file();
  EXPECT_EQ(store_->list().value().size(), 1u);
}

TEST_F(UpdateInStore, going_back_while_the_earlier_version_is_held) {
  draw("abcdefghij");
  const auto first = import().value();
  const auto held = image("disk");
  draw("aXcdeYghij");
  const auto second = updated();
  draw("abcdefghij");
  EXPECT_EQ(updated().info.id, first.info.id);
  EXPECT_FALSE(is_here(second.info.id));
  collect();
  expect_is_file();
  EXPECT_EQ(store_->list().value().size(), 1u);
}

TEST_F(UpdateInStore, content_that_has_a_name_already_gets_another) {
  draw("abXd");
  ASSERT_TRUE(import(ImportMode::copy, "other"));
  draw("abcd");
  ASSERT_TRUE(import());
  draw("abXd");
  updated();
  expect_is_file("disk");
  expect_is_file("other");
}

TEST_F(UpdateInStore, size_changes) {
  draw("abcdefghij");
  ASSERT_TRUE(import());
  for (const std::string_view picture : {"abcdefghijklm", "abcdefghijklm....", "abcd", "ab..ef"}) {
    SCOPED_TRACE(picture);
    draw(picture);
    updated();
    expect_is_file();
  }
  draw("ab..ef", ByteCount(5 * block_size + 100));
  updated();
  expect_is_file();
  draw("ab..efgh");
  updated();
  expect_is_file();
}

TEST_F(UpdateInStore, data_becomes_holes_and_zeros_and_back) {
  draw("ab..cd00ef");
  ASSERT_TRUE(import());
  for (const std::string_view picture : {"a...cdg0ef", "..........", "abcdefghij", "0000000000"}) {
    SCOPED_TRACE(picture);
    draw(picture);
    updated();
    expect_is_file();
    reopen();
    expect_is_file();
  }
}

TEST_F(UpdateInStore, borrowers_of_the_old_image_keep_their_blocks) {
  for (const ImportMode mode : {ImportMode::copy, ImportMode::in_place}) {
    draw("abcdefgh");
    ASSERT_TRUE(import(mode));
    const auto other = test::SampleImage::picture("xbchy");
    auto borrower = store_->adopt("borrower", other.info).value();
    ASSERT_TRUE(other.send_tree(*borrower));
    ASSERT_TRUE(other.send_blocks(*borrower, 0, 1));
    ASSERT_TRUE(other.send_blocks(*borrower, 4, 1));
    ASSERT_EQ(borrower->usage().borrowed, BlockCount(3));
    // In place, what changed in the file is lost to borrowers, too: here it is another block.
    draw("abcdefgX");
    const auto before = mode == ImportMode::in_place ? 2 * block_size : 5 * block_size;
    updated();
    std::vector<std::byte> got(before);
    ASSERT_TRUE(borrower->read(ByteOffset(block_size), std::span(got).first(2 * block_size)));
    EXPECT_TRUE(std::ranges::equal(std::span(got).first(2 * block_size), other.block(1, 2)));
    const auto whole = borrower->read(ByteOffset(3 * block_size), std::span(got).first(block_size));
    EXPECT_EQ(whole.has_value(), mode == ImportMode::copy);
    expect_is_file();
    borrower.reset();
    ASSERT_TRUE(store_->remove("borrower"));
    ASSERT_TRUE(store_->remove("disk"));
  }
}

TEST_F(UpdateInStore, in_place_takes_over_what_is_in_the_file) {
  draw("abcdefghij");
  const auto first = import(ImportMode::in_place).value();
  const auto held = image("disk");
  draw("abXdefghij");
  const auto outcome = updated();
  EXPECT_EQ(outcome.kind, PackKind::in_place);
  EXPECT_EQ(outcome.hashed, bytes_of(BlockCount(1)));
  expect_is_file();
  // The old id: what changed is not there any more, the rest is; never a wrong byte.
  std::vector<std::byte> block(block_size);
  ASSERT_TRUE(held->read(ByteOffset(0), block));
  EXPECT_TRUE(std::ranges::equal(block, test::block_of('a')));
  EXPECT_TRUE(held->read(ByteOffset(2 * block_size), block).error().is(Errc::not_resident));
  EXPECT_TRUE(is_here(first.info.id));
}

TEST_F(UpdateInStore, in_place_image_can_become_a_copy_and_a_copy_one_in_place) {
  draw("abcdef");
  ASSERT_TRUE(import(ImportMode::in_place));
  draw("abcXef");
  EXPECT_EQ(updated(ImportMode::copy).kind, PackKind::own);
  expect_is_file();
  EXPECT_EQ(image("disk")->usage().resident, BlockCount(6));
  draw("abcXeY");
  updated(ImportMode::in_place);
  expect_is_file();
  EXPECT_TRUE(store_->find("disk")->in_place);
  EXPECT_EQ(disk_.list(dir_ / "state" / "images").value().size(), 1u);
}

TEST_F(UpdateInStore, blocks_that_the_old_image_lost_are_hashed_and_stored) {
  draw("abcdef");
  const auto first = import().value();
  const auto pack = dir_ / "state" / "images" / to_hex(first.info.id) / "pack";
  {
    const auto file = disk_.open(pack, OpenMode::read_write).value();
    ASSERT_TRUE(file->write_at(ByteOffset(block_size), test::block_of('?')));
  }
  std::vector<std::byte> block(block_size);
  EXPECT_FALSE(image("disk")->read(ByteOffset(block_size), block));
  draw("abcdeX");
  const auto outcome = updated();
  EXPECT_EQ(outcome.hashed, bytes_of(BlockCount(2)));
  EXPECT_EQ(outcome.changed_blocks, BlockCount(1));
  expect_is_file();
}

TEST_F(UpdateInStore, sums_that_are_lost_cost_hashing_only) {
  draw("abcdef");
  const auto first = import().value();
  store_.reset();
  const auto sums = dir_ / "state" / "images" / to_hex(first.info.id) / "sums";
  ASSERT_TRUE(disk_.open(sums, OpenMode::read_write).value()->truncate(ByteCount(0)));
  reopen();
  draw("abcdeX");
  const auto outcome = updated();
  EXPECT_EQ(outcome.hashed, bytes_of(BlockCount(6)));
  EXPECT_EQ(outcome.changed_blocks, BlockCount(1));
  EXPECT_EQ(image("disk")->usage().borrowed, BlockCount(5)) << "stored twice";
  expect_is_file();
}

TEST_F(UpdateInStore, damaged_tree_of_the_old_image_costs_hashing_only) {
  draw(std::string(300, 'a') + "bcd");
  const auto first = import().value();
  store_.reset();
  const auto tree = dir_ / "state" / "images" / to_hex(first.info.id) / "tree";
  {
    // The second of three leaves.
    const auto file = disk_.open(tree, OpenMode::read_write).value();
    const std::uint64_t leaf = TreeShape(first.info.size).ordinal({1, 1});
    ASSERT_TRUE(file->write_at(ByteOffset(leaf * block_size), test::block_of('?')));
  }
  reopen();
  draw(std::string(300, 'a') + "bcX");
  const auto outcome = updated();
  EXPECT_EQ(outcome.hashed, bytes_of(BlockCount(303)));
  expect_is_file();
}

}  // namespace
}  // namespace weft
