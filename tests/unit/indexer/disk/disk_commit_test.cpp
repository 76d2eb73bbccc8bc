// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disks.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/unit/indexer/store/store_fixture.h"

#include <algorithm>
#include <string>
#include <vector>

namespace weft {
namespace {

using test::SampleImage;

/// Disks of a store, over an image of several leaves.
class StoreDisks : public test::StoreFixture {
 protected:
  static constexpr std::uint64_t blocks = 1000;

  static std::vector<std::byte> some(std::uint64_t count, unsigned char fill) {
    return std::vector<std::byte>(count * block_size, std::byte{fill});
  }
  static SampleImage base_sample() {
    auto bytes = test::random_blocks(BlockCount(blocks), 1);
    std::fill_n(bytes.begin() + 300 * block_size, 50 * block_size, std::byte{0});
    return SampleImage(std::move(bytes));
  }
  Disks& disks() { return *store_->disks(); }
  std::shared_ptr<WritableDisk> create(const std::string& name) {
    const auto made = disks().create(name, sample_.info.id);
    EXPECT_TRUE(made) << made.error().message();
    auto disk = disks().open(name);
    EXPECT_TRUE(disk) << disk.error().message();
    return disk.value_or(nullptr);
  }
  /// Blocks `first` on.
  void write(WritableDisk& disk, std::uint64_t first, std::span<const std::byte> bytes) {
    ASSERT_TRUE(disk.write(ByteOffset(first * block_size), bytes));
    std::ranges::copy(bytes, model_.begin() + static_cast<std::ptrdiff_t>(first * block_size));
  }
  Result<CommitResult> commit(const std::string& disk, const std::string& name) {
    WEFT_TRY(const auto commit, disks().begin_commit(disk, name));
    return commit->publish();
  }
  /// The image of this name is, in every byte and node, what another node would make of the model.
  void check_committed(const std::string& name) {
    const SampleImage expected(model_);
    const auto entry = store_->find(name);
    ASSERT_TRUE(entry) << entry.error().message();
    EXPECT_EQ(entry->info, expected.info);
    const auto made = image(expected);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->usage().missing, BlockCount(0));
    EXPECT_TRUE(reads_as(*made, expected));
    for (const auto& [node, bytes] : expected.nodes)
      EXPECT_EQ(*made->node(node), bytes);
  }

  FileSystem& file_system() override { return faulty_; }

  test::FaultyFileSystem faulty_;
  const SampleImage sample_ = base_sample();
  std::vector<std::byte> model_ = sample_.bytes;
};

TEST_F(StoreDisks, commit_is_the_image_that_an_import_of_the_disk_would_make) {
  ASSERT_TRUE(import(sample_, "base"));
  auto disk = create("vm");
  write(*disk, 3, some(5, 7));
  write(*disk, 400, some(300, 8));
  write(*disk, 999, some(1, 0));  // zeros, written
  ASSERT_TRUE(disk->zero(ByteOffset(100 * block_size), ByteCount(200 * block_size)));
  std::fill_n(model_.begin() + 100 * block_size, 200 * block_size, std::byte{0});
  const auto result = commit("vm", "new");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->written, BlockCount(305));
  check_committed("new");
  const auto entry = store_->find("new");
  EXPECT_EQ(entry->usage.resident, BlockCount(305));
  EXPECT_GT(entry->usage.borrowed, BlockCount(0)) << "unchanged blocks are not stored twice";
  disk.reset();
  reopen();
  check_committed("new");
}

TEST_F(StoreDisks, commit_is_what_the_disk_held_at_its_beginning) {
  ASSERT_TRUE(import(sample_, "base"));
  const auto disk = create("vm");
  write(*disk, 10, some(3, 7));
  auto commit = disks().begin_commit("vm", "new");
  ASSERT_TRUE(commit) << commit.error().message();
  ASSERT_TRUE(disk->write(ByteOffset(11 * block_size), some(1, 9)));
  ASSERT_TRUE(disk->write(ByteOffset(500 * block_size), some(1, 9)));
  ASSERT_TRUE(disk->zero(ByteOffset(12 * block_size), ByteCount(block_size)));
  ASSERT_TRUE((*commit)->publish());
  commit->reset();
  check_committed("new");
  std::vector<std::byte> out(block_size);
  ASSERT_TRUE(disk->read(ByteOffset(11 * block_size), out));
  EXPECT_EQ(out, some(1, 9)) << "the disk went on";
}

TEST_F(StoreDisks, commit_of_a_disk_over_an_image_elsewhere_needs_only_paths_of_its_tree) {
  const auto base = adopt(sample_, "base");
  const auto disk = create("vm");
  write(*disk, 130, some(2, 7));
  auto commit = disks().begin_commit("vm", "new");
  ASSERT_TRUE(commit);
  EXPECT_TRUE(disks().begin_commit("vm", "other").error().is(Errc::image_in_use));
  const auto needed = (*commit)->needed(10);
  ASSERT_TRUE(needed);
  ASSERT_EQ(needed->size(), 1u);
  for (;;) {
    const auto missing = base->first_missing_node(needed->front());
    ASSERT_TRUE(missing);
    if (!*missing) break;
    ASSERT_TRUE(base->add_node(**missing, sample_.nodes.at(**missing)));
  }
  EXPECT_TRUE((*commit)->needed(10)->empty());
  ASSERT_TRUE((*commit)->publish());
  commit->reset();
  const SampleImage expected(model_);
  const auto made = image(expected);
  ASSERT_TRUE(made) << "not the image that an import would make";
  EXPECT_TRUE(made->readable({BlockIndex(130), BlockCount(2)}));
  EXPECT_FALSE(made->readable({BlockIndex(129), BlockCount(1)}));
  ASSERT_TRUE(expected.send_tree(*made));
  ASSERT_TRUE(expected.send_blocks(*made, 0, blocks));
  EXPECT_TRUE(reads_as(*made, expected));
}

TEST_F(StoreDisks, commit_that_is_given_up_leaves_nothing) {
  ASSERT_TRUE(import(sample_, "base"));
  const auto disk = create("vm");
  write(*disk, 10, some(3, 7));
  ASSERT_TRUE(disks().begin_commit("vm", "new"));  // destroyed at once
  EXPECT_TRUE(store_->find("new").error().is(Errc::unknown_image));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "state" / "incoming"));
  ASSERT_TRUE(commit("vm", "new"));
  check_committed("new");
}

TEST_F(StoreDisks, commit_without_changes_is_another_name_of_the_image) {
  ASSERT_TRUE(import(sample_, "base"));
  create("vm");
  const auto result = commit("vm", "same");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->info, sample_.info);
  EXPECT_EQ(store_->find("same")->info, sample_.info);
}

TEST_F(StoreDisks, commit_of_known_content_that_fails_gives_no_name) {
  ASSERT_TRUE(import(sample_, "base"));
  const auto disk = create("vm");
  ASSERT_TRUE(disk);
  write(*disk, 10, some(3, 1));
  const SampleImage expected(model_);
  adopt(expected, "elsewhere");  // of which nothing is here
  faulty_.add({.call = test::DiskCall::write,
               .path_contains = "images/" + to_hex(expected.info.id),
               .and_after = true,
               .error = ENOSPC});
  EXPECT_FALSE(commit("vm", "new"));
  EXPECT_TRUE(store_->find("new").error().is(Errc::unknown_image));
  faulty_.clear_faults();
  ASSERT_TRUE(commit("vm", "new"));
  const auto made = image(expected);
  EXPECT_TRUE(made->readable({BlockIndex(10), BlockCount(3)}));
}

TEST_F(StoreDisks, commit_without_a_name_is_there_as_long_as_it_is_held) {
  ASSERT_TRUE(import(sample_, "base"));
  const auto disk = create("vm");
  write(*disk, 10, some(3, 7));
  const auto nobody = [](const ImageId&) { return false; };
  auto made = commit("vm", "");
  ASSERT_TRUE(made) << made.error().message();
  ASSERT_TRUE(store_->collect_unnamed(nobody));
  EXPECT_TRUE(reads_as(*made->image, SampleImage(model_)));
  const auto id = made->info.id;
  made->image.reset();
  ASSERT_TRUE(store_->collect_unnamed(nobody));
  EXPECT_TRUE(store_->image(id).error().is(Errc::unknown_image));
  // Nothing changed: it is the image below, which has a name.
  ASSERT_TRUE(disks().create("same", sample_.info.id));
  const auto same = commit("same", "");
  ASSERT_TRUE(same) << same.error().message();
  EXPECT_EQ(same->info, sample_.info);
  ASSERT_TRUE(store_->collect_unnamed(nobody));
  EXPECT_TRUE(store_->find("base"));
}

TEST_F(StoreDisks, committing_twice_makes_a_chain_of_nobody) {
  ASSERT_TRUE(import(sample_, "base"));
  const auto disk = create("vm");
  write(*disk, 10, some(3, 7));
  ASSERT_TRUE(commit("vm", "one"));
  write(*disk, 11, some(3, 8));
  ASSERT_TRUE(commit("vm", "two"));
  check_committed("two");
  ASSERT_TRUE(store_->remove("one"));
  check_committed("two");
}

TEST_F(StoreDisks, image_stays_as_long_as_disks_lie_over_it) {
  ASSERT_TRUE(import(sample_, "base"));
  create("vm");
  const auto removed = store_->remove("base");
  ASSERT_FALSE(removed);
  EXPECT_TRUE(removed.error().is(Errc::image_in_use));
  EXPECT_NE(removed.error().detail.find("vm"), std::string::npos);
  ASSERT_TRUE(disks().remove("vm"));
  EXPECT_TRUE(store_->remove("base"));
}

TEST_F(StoreDisks, names_are_shared_with_images) {
  ASSERT_TRUE(import(sample_, "base"));
  EXPECT_TRUE(disks().create("base", sample_.info.id).error().is(Errc::name_taken));
  create("vm");
  EXPECT_TRUE(disks().create("vm", sample_.info.id).error().is(Errc::name_taken));
  EXPECT_TRUE(store_->adopt("vm", sample_.info).error().is(Errc::name_taken));
  EXPECT_TRUE(disks().begin_commit("vm", "base").error().is(Errc::name_taken));
  EXPECT_TRUE(disks().create("../vm", sample_.info.id).error().is(Errc::bad_name));
}

TEST_F(StoreDisks, disk_in_use_is_not_removed) {
  ASSERT_TRUE(import(sample_, "base"));
  auto disk = create("vm");
  EXPECT_TRUE(disks().remove("vm").error().is(Errc::image_in_use));
  EXPECT_TRUE(disks().find("vm")->in_use);
  disk.reset();
  EXPECT_FALSE(disks().find("vm")->in_use);
  ASSERT_TRUE(disks().remove("vm"));
  EXPECT_TRUE(disks().open("vm").error().is(Errc::unknown_image));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "state" / "disks"));
}

TEST_F(StoreDisks, what_a_crash_left_of_a_disk_is_deleted) {
  ASSERT_TRUE(import(sample_, "base"));
  create("vm");
  std::filesystem::copy(dir_ / "state" / "disks" / "vm", dir_ / "state" / "disks" / "half");
  reopen();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "state" / "disks" / "half"));
  EXPECT_EQ(disks().list()->size(), 1u);
}

TEST_F(StoreDisks, disk_holds_what_it_held_when_the_store_opens_again) {
  ASSERT_TRUE(import(sample_, "base"));
  write(*create("vm"), 10, some(3, 7));
  reopen();
  const auto disk = disks().open("vm");
  ASSERT_TRUE(disk);
  std::vector<std::byte> out(model_.size());
  ASSERT_TRUE((*disk)->read(ByteOffset(0), out));
  EXPECT_TRUE(out == model_);
}

}  // namespace
}  // namespace weft
