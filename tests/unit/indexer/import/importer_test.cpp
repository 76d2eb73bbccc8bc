// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"

#include "indexer/core/hash.h"
#include "tests/support/indexer/tree_model.h"
#include "tests/unit/indexer/import/import_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace weft {
namespace {

class Importer : public test::ImportFixture {};

TEST_F(Importer, image_has_the_files_content_and_the_trees_id) {
  const std::string picture = "abc0.d..a";
  test::write_raw(dir_ / "raw", picture);
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(stored(), test::raw_bytes(picture));
  EXPECT_EQ(imported->info, test::model_of(test::digests_of(picture)).info());
}

TEST_F(Importer, last_block_is_padded_and_the_size_exact) {
  const ByteCount size(2 * block_size + 100);
  test::write_raw(dir_ / "raw", "abc", size);
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->info.size, size);
  EXPECT_EQ(imported->data, size);
  EXPECT_EQ(stored(), test::raw_bytes("abc", size));
  auto last = test::block_of('c');
  std::fill(last.begin() + 100, last.end(), std::byte{0});
  EXPECT_EQ(store_.images.at("image").digests.at(2), sha256(last));
}

TEST_F(Importer, image_of_one_byte) {
  test::write_raw(dir_ / "raw", "a", ByteCount(1));
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->info.size, ByteCount(1));
  EXPECT_EQ(stored(), test::raw_bytes("a", ByteCount(1)));
}

TEST_F(Importer, image_of_many_pieces_arrives_whole) {
  auto bytes = test::random_blocks(BlockCount(128 * 40 + 5), 7);
  bytes.resize(bytes.size() - 1000);  // ends in a buffer that held other blocks before
  test::write_file(dir_ / "raw", bytes);
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported);
  EXPECT_EQ(stored(), bytes);
  EXPECT_EQ(imported->data, ByteCount(bytes.size()));
  auto last = std::vector(bytes.end() - (block_size - 1000), bytes.end());
  last.resize(block_size);
  EXPECT_EQ(store_.images.at("image").digests.at(128 * 40 + 4), sha256(last));
}

TEST_F(Importer, holes_are_neither_read_nor_put) {
  {
    const auto file = disk_.open(dir_ / "raw", OpenMode::create).value();
    ASSERT_TRUE(file->truncate(ByteCount(std::uint64_t{8} << 40)));  // 8 TiB
    const ByteOffset middle(std::uint64_t{4} << 40);
    ASSERT_TRUE(file->write_at(middle, test::raw_bytes("abc")));
  }
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_LE(imported->data, ByteCount(64 * block_size));
  EXPECT_LE(store_.images.at("image").puts, 2u);
  EXPECT_FALSE(imported->info.root.is_zero());
}

TEST_F(Importer, file_that_is_one_hole_has_the_zero_root) {
  test::write_raw(dir_ / "raw", "", ByteCount(1'000'000));
  const auto imported = import(dir_ / "raw");
  ASSERT_TRUE(imported);
  EXPECT_TRUE(imported->info.root.is_zero());
  EXPECT_EQ(imported->data, ByteCount(0));
  EXPECT_EQ(store_.images.at("image").puts, 0u);
}

TEST_F(Importer, same_content_has_the_same_id_however_it_is_laid_out) {
  test::write_raw(dir_ / "holes", "a...b");
  test::write_raw(dir_ / "zeros", "a000b");
  const auto holes = import(dir_ / "holes");
  const auto zeros =
      import_file(store_, disk_, pool_, {.name = "other", .path = dir_ / "zeros"}, {}, {});
  ASSERT_TRUE(holes && zeros);
  EXPECT_EQ(holes->info.id, zeros->info.id);
}

TEST_F(Importer, automatic_mode_shares_extents_where_it_can_and_copies_else) {
  test::write_raw(dir_ / "raw", "abc");
  EXPECT_EQ(import(dir_ / "raw").value().kind, PackKind::own);
  EXPECT_EQ(store_.images.at("image").target.kind, PackKind::own);
  store_.images.clear();
  store_.can_reflink = true;
  EXPECT_EQ(import(dir_ / "raw").value().kind, PackKind::reflink);
}

TEST_F(Importer, each_mode_asks_for_its_kind_of_pack) {
  test::write_raw(dir_ / "raw", "abc");
  store_.can_reflink = true;
  const std::pair<ImportMode, PackKind> rows[] = {{ImportMode::copy, PackKind::own},
                                                  {ImportMode::reflink, PackKind::reflink},
                                                  {ImportMode::in_place, PackKind::in_place}};
  for (const auto& [mode, kind] : rows) {
    store_.images.clear();
    EXPECT_EQ(import(dir_ / "raw", mode).value().kind, kind);
    EXPECT_EQ(store_.images.at("image").target.kind, kind);
  }
}

TEST_F(Importer, store_is_given_an_absolute_path) {
  test::write_raw(dir_ / "raw", "abc");
  std::filesystem::create_symlink("raw", dir_ / "link");
  const auto relative = std::filesystem::relative(dir_ / "link");
  ASSERT_TRUE(import(relative, ImportMode::in_place));
  EXPECT_EQ(store_.images.at("image").target.source, std::filesystem::canonical(dir_ / "raw"));
}

TEST_F(Importer, progress_grows_to_the_images_size) {
  const auto bytes = test::random_blocks(BlockCount(128 * 40), 7);
  test::write_file(dir_ / "raw", bytes);
  std::vector<ImportProgress> seen;
  ASSERT_TRUE(
      import(dir_ / "raw", ImportMode::copy, [&](const ImportProgress& p) { seen.push_back(p); }));
  ASSERT_GT(seen.size(), 5u);
  for (std::size_t i = 1; i < seen.size(); ++i) {
    EXPECT_GE(seen[i].done, seen[i - 1].done);
    EXPECT_GE(seen[i].data, seen[i - 1].data);
    EXPECT_EQ(seen[i].total, ByteCount(bytes.size()));
  }
  EXPECT_EQ(seen.back().done, ByteCount(bytes.size()));
  EXPECT_EQ(seen.back().data, ByteCount(bytes.size()));
}

}  // namespace
}  // namespace weft
